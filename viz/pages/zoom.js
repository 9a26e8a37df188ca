// Every view is a scene of its own. Which one is shown stands in the address, `#12` or, with the
// element that is picked, `#12/3`: so each has a link, and the browser's own back button works.

const at = (id) => document.getElementById(id);
const home = document.title;
let shown = null, element = null;

function place() {
  const [view, one] = location.hash.slice(1).split('/').map((part) => parseInt(part, 10));
  const found = DATA.views[view] ? view : 0, { elements } = DATA.views[found];
  return [found, elements && elements[one] ? one : 0];
}

function go(view, element) {
  location.hash = element ? `${view}/${element}` : String(view);
  arrive();  // at once; the event that follows finds it done
}

function arrive() {
  const before = shown, [view, one] = place();
  if (view === before && one === element) return;
  [shown, element] = [view, one];
  show(DATA.views[view]);
  if (before === null || view === before) return;
  window.scrollTo(0, 0);
  at('heading').focus({ preventScroll: true });
}

function show(view) {
  document.title = shown ? `${visible(view.title)} · ${home}` : home;
  crumbs(view);
  at('heading').replaceChildren();
  htmlElement('bdi', {}, at('heading'), view.title);
  const one = view.elements && view.shape.length ? `element ${named(view, element)}` : '';
  for (const word of [view.word, one]) {
    if (word) htmlElement('span', { class: 'quiet' }, at('heading'), ` ${word}`);
  }
  at('said').textContent = visible(view.said.join(' '));
  pick(view);
  draw(view, view.elements ? view.elements[element].scene : view.scene);
  tell(view.node === undefined ? null : view);
}

function named(view, element) { return `[${view.elements[element].index.join(', ')}]`; }

function way(number) {
  const path = [];
  for (let i = number; i >= 0; i = DATA.views[i].up) path.unshift(i);
  return path;
}

function crumbs(view) {
  const list = at('crumbs');
  list.replaceChildren();
  for (const i of way(shown)) {
    const item = htmlElement('li', {}, list), { title } = DATA.views[i];
    if (i === shown) htmlElement('bdi', { 'aria-current': 'page' }, item, title);
    else htmlElement('bdi', {}, htmlElement('a', { href: `#${i}` }, item), title);
  }
  if (view.elements && view.shape.length) htmlElement('li', {}, list, named(view, element));
}

// The graph

function draw(view, scene) {
  const full = inflate(scene);
  const graph = new Graph(at('graph'), full, {
    label: `${visible(view.title)}: ${full.boxes.length} boxes`,
    pick: (i) => act(full.boxes[i]),
  });
  // What is a little too wide is made smaller; what is much too wide is scrolled, from its middle.
  const host = at('graph'), { svg } = graph, wide = Number(svg.getAttribute('width'));
  const scale = Math.max(0.8, Math.min(1, host.clientWidth / wide));
  for (const side of ['width', 'height']) svg.setAttribute(side, svg.getAttribute(side) * scale);
  host.scrollLeft = (host.scrollWidth - host.clientWidth) / 2;
  graph.boxes.forEach((g, i) => {
    const box = full.boxes[i];
    const said = [box.title, box.word, box.left, box.right, box.small].filter(Boolean).join(', ');
    g.setAttribute('aria-label', visible(said + (box.to !== undefined ? ': open' : box.out ? ': go out' : '')));
    g.addEventListener('focus', () => tell(box));
    g.addEventListener('mouseenter', () => tell(box));
    if (box.to === undefined) return;
    g.classList.add('opens');
    const { x, y, w, h } = graph.scene.boxes[i];
    svgElement('path', { class: 'more', d: `M${x + 9} ${y + h + (box.kind === 'loss' ? 6.5 : 3.5)}H${x + w - 9}` }, g);
  });
}

function act(box) {
  if (box.to !== undefined) go(box.to);
  else if (box.out) out();
  else tell(box);
}

function out() {
  const { up } = DATA.views[shown];
  if (up >= 0) go(up);
}

// From what zooming.py made compact to what graph.js draws.
function inflate(scene) {
  if (!scene.b) return scene;
  const boxes = scene.b.map(([kind, title, word, left, right, small, alarm, more]) => {
    const box = { kind: DATA.kinds[kind], title, word, left, right, small, alarm, ...more };
    return { ...box, ...sizeOf(box) };
  });
  const arrows = [];
  for (let i = 0; i < scene.a.length; i += 3) {
    const [tail, head, width] = scene.a.slice(i, i + 3);
    arrows.push({ tail, head, width: Math.abs(width) / 10 || 1, dashed: !width, alarm: width < 0 });
  }
  return { down: Boolean(scene.down), boxes, arrows, groups: [] };
}

const ruler = document.createElement('canvas').getContext('2d');
const family = getComputedStyle(document.body).fontFamily;

function widthOf(text, font) {
  ruler.font = `${font} ${family}`;
  return text ? ruler.measureText(visible(text)).width : 0;
}

// As `Box.size` in scene.py, but with the font that is really there.
function sizeOf({ kind, title, word, left, right, small, rows }) {
  const row = (a, b) => a + b + (a && b ? 14 : 0);
  const widths = [
    row(widthOf(short(title), 'bold 13px'), widthOf(short(word || ''), '13px')),
    row(widthOf(left, '13px'), widthOf(right, '13px')),
    widthOf(small, '11px'),
    ...(rows || []).map(([name, gradient]) => widthOf(`${name}  ${gradient}`, '11px') + BAR),
  ];
  const heights = [17, (left || right) && 17, small && 14, rows && rows.length * 14 + 4, isStore(kind) && 8];
  return { w: Math.ceil(Math.max(...widths)) + 18, h: heights.reduce((a, b) => a + (b || 0), 12) };
}

// Which element of a result

function pick(view) {
  at('picking').hidden = !view.elements || view.elements.length < 2;
  if (at('picking').hidden) return;
  const select = at('element');
  select.replaceChildren();
  view.elements.forEach(({ why }, i) => {
    htmlElement('option', { value: i }, select, `${named(view, i)}${why ? ` ${why}` : ''}`);
  });
  select.value = String(element);
  select.onchange = () => go(shown, Number(select.value));
  const array = DATA.arrays[DATA.nodes[view.node].data];
  at('map').replaceChildren(...(array === undefined ? [] : [array.rows ? numbersToPick(view, array) : mapToPick(view, array)]));
}

// Where an element stands when all axes but the last are rows.
function spot({ shape }, index) {
  const last = shape.length ? shape[shape.length - 1] : 1;
  const flat = index.reduce((sum, i, axis) => sum * shape[axis] + i, 0);
  return { row: Math.floor(flat / last), column: flat % last, last, all: shape.reduce((a, b) => a * b, 1) / last };
}

function numbersToPick(view, array) {
  const table = matrix(array, view.title);
  view.elements.forEach(({ index }, i) => {
    const { row, column } = spot(view, index), cell = table.rows[row].cells[column];
    const button = htmlElement('button', { class: 'pick', 'aria-pressed': i === element, 'aria-label':
      `${named(view, i)}: ${cell.textContent}` }, null, cell.textContent);
    button.addEventListener('click', () => go(shown, i));
    cell.replaceChildren(button);
  });
  return htmlElement('div', { class: 'array' }).appendChild(table).parentNode;
}

function mapToPick(view, array) {
  const { down, across } = array, canvas = heatMap(array, view.title);
  const figure = htmlElement('div', { class: 'array map' });
  // No higher than leaves the graph below in sight.
  const cell = Math.max(5, Math.min(24, Math.floor(384 / across), Math.floor(216 / down)));
  figure.style.width = `${across * cell}px`;
  canvas.style.width = '100%';
  canvas.style.height = 'auto';
  const over = svgElement('svg', { viewBox: `0 0 ${across * cell} ${down * cell}` });
  view.elements.forEach(({ index }, i) => {
    const { row, column, last, all } = spot(view, index);
    const [x, y] = [Math.ceil((column + 1) * across / last) - 1, Math.ceil((row + 1) * down / all) - 1];
    const pick = svgElement('rect', { class: `pick${i === element ? ' now' : ''}`,
      x: x * cell + 1, y: y * cell + 1, width: cell - 2, height: cell - 2 }, over);
    svgElement('title', {}, pick, named(view, i));
    pick.addEventListener('click', () => go(shown, i));
  });
  figure.append(canvas, over);
  return figure;
}

// A closer look

function tell(box) {
  const panel = at('panel');
  panel.replaceChildren();
  if (!box) {
    htmlElement('p', { class: 'quiet' }, panel, 'Point at a box, or reach it by Tab, for a closer look.');
    return;
  }
  const head = htmlElement('h2', {}, panel);
  htmlElement('bdi', {}, head, box.title || box.word);
  const node = DATA.nodes[box.node];
  if (node && node.name && node.name !== box.title) htmlElement('p', { class: 'quiet' }, panel, node.name);
  const words = [box.title && box.word, node && node.shape, box.small].filter(Boolean).join(' · ');
  if (words) htmlElement('p', { class: 'quiet' }, panel, words);
  if (box.left && !(node && node.shape)) htmlElement('p', {}, panel, box.left);
  if (box.right) htmlElement('p', { class: 'gradient' }, panel, box.right);
  if (box.why) htmlElement('p', {}, panel, `This stays closed: ${box.why}.`);
  if (node) numbers(node, panel);
  if (box.op !== undefined) rules(DATA.ops[box.op], panel);
  if (box.to !== undefined) border(DATA.views[box.to], panel);
}

function numbers({ shape, data, grad, none }, panel) {
  if (none) htmlElement('p', {}, panel, none);
  if (!shape) return;
  for (const [word, place] of [['Numbers', data], ['∂', grad]]) {
    if (place === undefined) continue;
    htmlElement('h3', { class: word === '∂' ? 'gradient' : '' }, panel, word);
    panel.append(arrayFigure(DATA.arrays[place], word));
  }
}

function rules({ name, rules: written }, panel) {
  if (!written.length) return;
  htmlElement('h3', {}, panel, `How ${name} hands it back`);
  for (const [arg, rule] of written) htmlElement('p', { class: 'code' }, panel, `∂${arg} += ${rule}`);
}

// What comes in and goes out, with its gradients, as the opened view has it.
function border(view, panel) {
  if (!view.scene) return;
  const stubs = inflate(view.scene).boxes.filter((box) => box.out);
  if (!stubs.length) return;
  htmlElement('h3', {}, panel, 'At its border');
  const table = htmlElement('table', { class: 'border' }, panel);
  for (const { title, word, right } of stubs) {
    const row = htmlElement('tr', {}, table);
    htmlElement('td', {}, row, title);
    htmlElement('td', { class: 'quiet' }, row, word);
    htmlElement('td', { class: 'gradient' }, row, right || '');
  }
}

// Moving about

document.addEventListener('keydown', (event) => {
  const typing = event.target.tagName === 'SELECT';
  if (event.key === 'Escape' || (event.key === 'Backspace' && !typing)) {
    event.preventDefault();
    out();
  }
});
window.addEventListener('hashchange', arrive);
arrive();
