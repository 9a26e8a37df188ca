// The stepper: which of a graph's numbers are known at each step, and the panel that explains it.

const $ = (id) => document.getElementById(id);
const { passes, arrays, sources } = DATA;
const SMALLEST = 0.8;  // text of 13 pixels is read down to that
let pass, graph, timer = null, at = -1;  // which pass, its graph, whether it plays, which step

const put = (parent, kind, name, text) => htmlElement(kind, name ? { class: name } : {}, parent, text);

// What a number or an array of the data is in one short word.
const brief = (x) => (typeof x === 'string' ? x : `norm ${arrays[x].norm}`);
const isArray = (x) => typeof x === 'number';

// When things become known

class Progress {
  constructor({ steps, scene }) {
    const boxes = scene.boxes.map(() => ({ made: Infinity, value: '', gradients: [], state: '' }));
    const arrows = scene.arrows.map(() => ({ seen: Infinity, passed: Infinity, state: '' }));
    steps.forEach((step, i) => {
      if (step.value !== undefined) {
        Object.assign(boxes[step.box], { made: i, value: brief(step.value) });
        (step.arrows || []).forEach((arrow) => { arrows[arrow].seen = i; });
      } else {
        const sign = isArray(step.total) ? `|∂| ${arrays[step.total].norm}` : `∂ ${step.total}`;
        boxes[step.to ?? step.box].gradients.push([i, step.whole ? sign : `${sign} …`, Boolean(step.alarm)]);
        (step.arrows || []).forEach((arrow) => { arrows[arrow].passed = i; });
      }
    });
    // A plain number is there as soon as the op that takes it.
    scene.arrows.forEach(({ tail, head }, i) => {
      arrows[i].seen = boxes[head].made;
      if (boxes[tail].value === '') boxes[tail].made = Math.min(boxes[tail].made, boxes[head].made);
    });
    Object.assign(this, { boxes, arrows });
  }

  // Bring the drawing to a step. What is as it was is left alone.
  show(graph, now) {
    this.boxes.forEach((box, i) => {
      const seen = box.made <= now;
      let gradient = '', alarm = false;
      for (const [when, text, wrong] of box.gradients) { if (when > now) break; [gradient, alarm] = [text, wrong]; }
      const state = `${seen}${gradient}`;
      if (state === box.state) return;
      box.state = state;
      graph.boxes[i].classList.toggle('seen', seen);
      graph.say(i, seen ? box.value : '', gradient);
      graph.boxes[i].classList.toggle('alarmed', alarm);
    });
    this.arrows.forEach((arrow, i) => {
      const state = arrow.passed <= now ? 'seen passed' : arrow.seen <= now ? 'seen' : '';
      if (state === arrow.state) return;
      arrow.state = state;
      graph.arrows[i].classList.toggle('seen', state !== '');
      graph.arrows[i].classList.toggle('passed', arrow.passed <= now);
    });
  }

  // The steps that a box is about: where it is made, and where its first gradient arrives.
  stepsOf(box) {
    const { made, gradients } = this.boxes[box];
    return [made, ...(gradients.length ? [gradients[0][0]] : [])].filter(Number.isFinite);
  }
}

// Which pass, which step

function open(index) {
  pass = passes[index];
  pass.index = index;
  const { scene, steps } = pass;
  graph = new Graph($('graph'), scene, {
    pick: jump, tabbable: scene.boxes.length <= 60, label: `Graph of ${pass.root}`,
  });
  fit();
  pass.progress = new Progress(pass);
  scene.boxes.forEach((_, i) => graph.say(i, '', ''));
  graph.marked = [];
  $('slider').max = steps.length;
  $('trouble').textContent = pass.trouble;
  $('trouble').hidden = !pass.trouble;
  if ($('pass')) $('pass').value = index;
}

// A graph may shrink a little to be seen whole; if that is not enough, it scrolls in full size.
function fit() {
  const natural = graph.svg.getAttribute('width'), room = $('graph').clientWidth;
  graph.svg.style.minWidth = room < SMALLEST * natural ? `${natural}px` : '0';
}

function go(to, { follow = true } = {}) {
  const last = pass.steps.length - 1;
  at = Math.max(0, Math.min(last, to));
  const step = pass.steps[at];
  pass.progress.show(graph, at);
  mark(step);
  explain(step);
  $('slider').value = at + 1;
  $('slider').setAttribute('aria-valuetext', step.heading);
  $('counter').textContent = `${at + 1} / ${last + 1}`;
  // Not disabled, which would take the focus, and with it the keys.
  $('previous').setAttribute('aria-disabled', at === 0);
  $('next').setAttribute('aria-disabled', at === last);
  if (at === last) stop();
  if (!follow) return;
  try {  // a page inside a page may have no address to change
    history.replaceState(null, '', `#${pass.index ? `pass-${pass.index + 1}-` : ''}step-${at + 1}`);
  } catch { /* then there is none to follow */ }
}

function jump(box) {
  stop();
  const own = pass.progress.stepsOf(box);
  if (own.length) go(own[(own.indexOf(at) + 1) % own.length]);
}

// The current nodes and edges, and what flows through them

function mark({ box, to, arrows: through = [], share, value }) {
  const forward = value !== undefined;
  graph.marked.forEach(([element, name]) => element.classList.remove(name));
  graph.marked = [[graph.boxes[to ?? box], 'now']];
  if (to !== undefined) graph.marked.push([graph.boxes[box], 'from']);
  through.forEach((i) => graph.marked.push([graph.arrows[i], 'now'], [graph.arrows[i], forward ? 'forward' : 'back']));
  graph.marked.forEach(([element, name]) => element.classList.add(name));
  $('graph').classList.toggle('forward', forward);
  graph.svg.querySelectorAll('.sticker').forEach((element) => element.remove());
  for (const i of through) {
    const tail = graph.scene.boxes[graph.scene.arrows[i].tail];
    const text = forward ? tail.small : isArray(share) ? arrays[share].shape : share;
    if (text) sticker(graph.arrows[i].querySelector('path'), text);
  }
  graph.show(box);
  if (to !== undefined) graph.show(to);
}

function sticker(path, text) {
  const { x, y } = path.getPointAtLength(path.getTotalLength() / 2);
  svgElement('text', { x, y: y - 4, class: 'sticker' }, graph.svg).textContent = text;
}

// The panel

function explain(step) {
  $('panel').className = step.value !== undefined ? 'forward' : 'backward';
  $('heading').textContent = step.heading;
  $('what').textContent = step.what;
  $('rule').replaceChildren();
  $('shown').replaceChildren();
  if (step.value !== undefined) explainForward(step);
  else if (step.to === undefined) explainSeed(step);
  else explainEdge(step);
}

function entry(term, text, result) {
  put($('rule'), 'dt', '', term);
  const code = put(put($('rule'), 'dd'), 'code', '', text);
  if (result !== undefined) {
    code.append(' = ');
    put(code, 'b', 'result', result);
  }
  return code;
}

function entrySource({ source }) {
  if (source === undefined) return;
  const [place, text] = sources[source];
  const code = entry('line', text);
  if (text) code.append('  ');
  put(code, 'span', 'place', place);
}

function explainForward(step) {
  const { rule, numbers, value, args } = step;
  entrySource(step);
  if (rule) entry('op', rule);
  const result = isArray(value) ? arrays[value].shape : value;
  if (numbers) entry(args ? 'shapes' : 'numbers', numbers, result);
  else entry('value', result);
  if (!args && !isArray(value)) return;
  const row = put($('shown'), 'div', 'arrays');
  for (const [name, arg] of args || []) arrayTile(row, name, arg);
  arrayTile(row, pass.scene.boxes[step.box].name, value);
}

function explainSeed({ gradient, total }) {
  put($('rule'), 'dt', '', 'seed');
  entryWhole(put($('rule'), 'dd', 'whole'), gradient, total);
  if (isArray(total)) arrayTile(put($('shown'), 'div', 'arrays gradients'), 'seed', total);
}

function explainEdge(step) {
  const { rule, numbers, meaning, summed, incoming, local, share } = step;
  entrySource(step);
  const same = numbers === undefined || numbers === share;
  entry('rule', rule);
  if (numbers !== undefined) entry('numbers', numbers, same ? undefined : share);
  if (meaning) entry('where', meaning);
  if (summed) entry('sum', summed);
  if (isArray(incoming) || isArray(share)) {
    const row = put($('shown'), 'div', 'arrays gradients');
    arrayTile(row, 'incoming', incoming);
    arrayTile(row, 'contribution', share);
  } else {
    const row = put($('shown'), 'div', 'product');
    tile(row, 'incoming', incoming, 'gradient');
    put(row, 'span', 'sign', '×');
    tile(row, 'local derivative', local);
    put(row, 'span', 'sign', '=');
    tile(row, 'contribution', share, 'gradient');
  }
  explainSum(step);
}

// The moment when two paths meet, and what has come together so far.
function explainSum({ meeting, before, share, total, addition, whole, gradient }) {
  const sum = put($('shown'), 'div', before !== undefined ? 'sum meets' : 'sum');
  if (meeting) put(sum, 'h3', '', capital(meeting));
  if (before !== undefined && isArray(total)) {
    const row = put(sum, 'div', 'arrays gradients');
    arrayTile(row, 'so far', before);
    arrayTile(row, '+ this path', share);
    arrayTile(row, '= together', total);
  } else if (before !== undefined) {
    const table = put(sum, 'table', 'addition');
    ['so far', '+ this path', '= together'].forEach((word, i) => {
      const line = table.insertRow();
      line.insertCell().textContent = word;
      line.insertCell().textContent = addition[i];
    });
  } else if (meeting) {
    put(sum, 'p', 'so-far', `So far ${brief(total)}; more is to come.`);
  }
  if (whole) entryWhole(put(sum, 'p', 'whole'), gradient, total);
}

function entryWhole(line, gradient, total) {
  line.append(`${gradient} = `);
  put(line, 'b', 'total', isArray(total) ? `${arrays[total].shape} of norm ${arrays[total].norm}` : total);
}

function tile(parent, word, number, name = '') {
  const element = put(parent, 'span', `tile ${name}`);
  put(element, 'small', '', word);
  put(element, 'b', '', number);
}

function arrayTile(parent, name, x) {
  const element = put(parent, 'div');
  put(element, 'h4', '', name);
  if (isArray(x)) element.append(arrayFigure(arrays[x], name));
  else put(element, 'b', 'number', x);
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);

// Controls

function play() {
  if (timer !== null) return stop();
  if (at === pass.steps.length - 1) go(0);
  $('play').textContent = 'Pause';
  $('said').setAttribute('aria-live', 'off');  // or a screen reader would never come to an end
  const tick = () => { timer = setTimeout(tick, Number($('speed').value)); go(at + 1); };
  timer = setTimeout(tick, 0);
}

function stop() {
  clearTimeout(timer);
  timer = null;
  $('play').textContent = 'Play';
  $('said').setAttribute('aria-live', 'polite');
}

const moves = {
  ArrowRight: () => at + 1, ArrowLeft: () => at - 1, Home: () => 0, End: () => pass.steps.length - 1,
};

document.addEventListener('keydown', (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const target = event.target.closest('input, select, button, [role=button]');
  if (target && (target.matches('input, select') || event.key === ' ')) return;
  if (event.key === ' ') play();
  else if (moves[event.key]) { stop(); go(moves[event.key]()); } else return;
  event.preventDefault();
});

$('previous').addEventListener('click', () => { stop(); go(at - 1); });
$('next').addEventListener('click', () => { stop(); go(at + 1); });
$('play').addEventListener('click', play);
$('slider').addEventListener('input', () => { stop(); go(Number($('slider').value) - 1); });
if ($('pass')) {
  passes.forEach(({ root, steps }, i) => {
    put($('pass'), 'option', '', `${i + 1} of ${passes.length}: ${root}, ${steps.length} steps`).value = i;
  });
  $('pass').addEventListener('change', () => { stop(); open(Number($('pass').value)); go(0); });
}

// Legend, address, and the beginning

const kinds = {
  parameter: 'parameter', frozen: 'frozen parameter', input: 'input', constant: 'constant',
  op: 'result of an op', loss: 'where the pass begins',
};
const used = new Set(passes.flatMap(({ scene }) => scene.boxes.map(({ kind }) => kind)));
for (const [kind, words] of Object.entries(kinds)) {
  if (!used.has(kind)) continue;
  const line = put($('legend'), 'li');
  const svg = svgElement('svg', { width: 33, height: 21, viewBox: '0 0 52 33', 'aria-hidden': true }, put(line, 'span', 'graph'));
  const g = svgElement('g', { class: kind }, svg);
  outline({ kind, x: 5, y: 4, w: 42, h: 25 }, g);
  if (kind === 'constant') svgElement('text', { x: 22, y: 23, style: 'font-size: 20px' }, g, '1');
  put(line, 'span', '', words);
}
for (const [sample, words] of [['∂', 'gradient; … while more is to come'], ['■', 'here now']]) {
  const line = put($('legend'), 'li');
  put(line, 'b', 'gradient', sample);
  put(line, 'span', '', words);
}
put(put($('legend'), 'li'), 'span', '', 'faint: not reached yet');
if (arrays.some(({ cells }) => cells)) {
  const line = put($('legend'), 'li');
  put(line, 'b', 'below', '■');
  put(line, 'span', '', 'below zero');
  put(line, 'b', 'gradient', '■');
  put(line, 'span', '', 'above; a cell stands for the largest number of its block');
}

function address() {
  const [, which, step] = /^#(?:pass-(\d+)-)?step-(\d+)$/.exec(location.hash) || [];
  return [Math.min(passes.length, Math.max(1, Number(which || 1))) - 1, Number(step || 1) - 1];
}

function arrive() {
  const [which, step] = address();
  if (pass?.index !== which) open(which);
  go(step, { follow: false });
}

window.addEventListener('resize', fit);
window.addEventListener('hashchange', () => { stop(); arrive(); });
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => go(at, { follow: false }));
arrive();
