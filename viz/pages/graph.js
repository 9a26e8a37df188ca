// A graph of boxes and arrows as SVG, from what scene.py wrote. All text is text: nothing of a
// user's is ever read as markup.

const BAR = 64;  // the longest bar in a row of a box, with its margin; as in scene.py

function svgElement(kind, attributes, parent, text) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', kind);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = visible(text);
  if (parent) parent.appendChild(element);
  return element;
}

function htmlElement(kind, attributes, parent, text) {
  const element = document.createElement(kind);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = visible(text);
  if (parent) parent.appendChild(element);
  return element;
}

// Line ends shown, and without what would turn the direction of the text around it.
function visible(text) {
  return String(text).replace(/\n/g, '↵').replace(/[\u202a-\u202e\u2066-\u2069\u200e\u200f]/g, '\ufffd');
}

class Graph {
  // host: an element of class "graph"; pick(index): what a click on a box does;
  // tabbable: whether the boxes are buttons in the order of the Tab key.
  constructor(host, scene, { pick = null, tabbable = true, label = 'Computation graph' } = {}) {
    this.host = host;
    this.scene = scene.width === undefined ? layered(scene) : scene;
    this.pick = pick;
    const { width, height } = this.scene, margin = 12;
    this.svg = svgElement('svg', {
      width: width + 2 * margin, height: height + 2 * margin,
      viewBox: `${-margin} ${-margin} ${width + 2 * margin} ${height + 2 * margin}`,
      role: 'group', 'aria-label': label,
    });
    this.scene.groups.forEach((group) => this.drawGroup(group));
    this.arrows = this.scene.arrows.map((arrow) => this.drawArrow(arrow));
    this.boxes = this.scene.boxes.map((box, i) => this.drawBox(box, i, tabbable));
    host.replaceChildren(this.svg);
  }

  drawGroup({ x, y, w, h, title, word }) {
    const g = svgElement('g', { class: 'group' }, this.svg);
    svgElement('rect', { x, y, width: w, height: h, rx: 10 }, g);
    const text = svgElement('text', { x: x + 12, y: y + 20 }, g);
    svgElement('tspan', { class: 'title' }, text, short(title));
    svgElement('tspan', { class: 'word' }, text, `  ${short(word)}`);
  }

  drawArrow({ tail, head, points, width, dashed, alarm }) {
    const kind = ['arrow', dashed && 'dashed', alarm && 'alarmed'].filter(Boolean).join(' ');
    const g = svgElement('g', { class: kind }, this.svg);
    const n = points.length, tip = points.slice(n - 2), end = points.slice(n - 4, n - 2);
    let path = `M${points[0]} ${points[1]}`;
    for (let i = 2; i < n - 2; i += 6) path += `C${points.slice(i, i + 6).join(' ')}`;
    svgElement('path', { d: path, 'stroke-width': width }, g);
    const [dx, dy] = [tip[0] - end[0], tip[1] - end[1]], length = Math.hypot(dx, dy) || 1;
    const half = 2.2 + width / 2, [sx, sy] = [(-dy / length) * half, (dx / length) * half];
    svgElement('polygon', {
      points: `${tip} ${end[0] + sx},${end[1] + sy} ${end[0] - sx},${end[1] - sy}`,
    }, g);
    return g;
  }

  drawBox(box, index, tabbable) {
    const g = svgElement('g', { class: `box ${box.kind}${box.alarm ? ' alarmed' : ''}` }, this.svg);
    outline(box, g);
    const lid = isStore(box.kind) ? 8 : 0;
    const left = box.x + 9, right = box.x + box.w - 9;
    let y = box.y + lid + 18;
    const row = (leftClass, leftText, rightClass, rightText, step) => {
      const a = svgElement('text', { x: left, y, class: leftClass }, g, leftText || '');
      const b = svgElement('text', { x: right, y, class: rightClass, 'text-anchor': 'end' }, g,
        rightText || '');
      y += step;
      return [a, b];
    };
    row('title', short(box.title), 'word', short(box.word || ''), 17);
    if (box.left || box.right) [g.left, g.right] = row('left', box.left, 'right', box.right, 15);
    if (box.small) row('small', box.small, 'small', '', 14);
    y += 4;
    for (const [name, gradient, part] of box.rows || []) {
      const [, said] = row('small', name, 'small right', gradient, 14);
      said.setAttribute('x', right - BAR);
      const length = Math.max(part * (BAR - 8), gradient ? 1 : 0);
      svgElement('rect', { class: 'bar', x: right - BAR + 8, y: y - 22, width: length, height: 8 }, g);
    }
    svgElement('title', {}, g, [box.title, box.word, box.left, box.right, box.small]
      .filter(Boolean).join('  '));
    if (this.pick) {
      g.setAttribute('role', 'button');
      g.setAttribute('tabindex', tabbable ? 0 : -1);
      g.addEventListener('click', () => this.pick(index));
      g.addEventListener('keydown', (event) => {
        if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); this.pick(index); }
      });
    }
    return g;
  }

  // Write into a box as the reader goes on; the room for it was reserved.
  say(index, left, right) {
    const g = this.boxes[index];
    if (left !== undefined && g.left) g.left.textContent = visible(left);
    if (right !== undefined && g.right) g.right.textContent = visible(right);
  }

  // Give some boxes and arrows a class, and take it from all others.
  mark(name, boxes, arrows) {
    const [b, a] = [new Set(boxes), new Set(arrows)];
    this.boxes.forEach((g, i) => g.classList.toggle(name, b.has(i)));
    this.arrows.forEach((g, i) => g.classList.toggle(name, a.has(i)));
  }

  // Scroll so that a box is well inside what is seen.
  show(index) {
    const { x, y, w, h } = this.scene.boxes[index], { host } = this;
    const [drawn, around] = [this.svg.getBoundingClientRect(), host.getBoundingClientRect()];
    const scale = drawn.width / this.svg.getAttribute('width');
    const offset = { left: drawn.left - around.left + host.scrollLeft, top: drawn.top - around.top + host.scrollTop };
    const centre = (at, size, view, from) => {
      const edge = Math.min(90, view / 4);
      return at < from + edge || at + size > from + view - edge ? at + size / 2 - view / 2 : from;
    };
    host.scrollLeft = centre((x + 12) * scale + offset.left, w * scale, host.clientWidth, host.scrollLeft);
    host.scrollTop = centre((y + 12) * scale + offset.top, h * scale, host.clientHeight, host.scrollTop);
  }
}

function short(text = '') {
  return text.length > 28 ? `${text.slice(0, 27)}…` : text;
}

function isStore(kind) {
  return kind === 'parameter' || kind === 'frozen';
}

// Who is who is told by shape as well as by colour.
function outline({ kind, x, y, w, h }, parent) {
  if (isStore(kind)) {  // a cylinder
    const d = 5;
    svgElement('path', { class: 'outline', d: `M${x} ${y + d}C${x} ${y - d / 3} ${x + w} ${y - d / 3} ${x + w} ${y + d}` +
      `V${y + h - d}C${x + w} ${y + h + d / 3} ${x} ${y + h + d / 3} ${x} ${y + h - d}Z` +
      `M${x} ${y + d}C${x} ${y + 2 * d + d / 3} ${x + w} ${y + 2 * d + d / 3} ${x + w} ${y + d}` }, parent);
  } else if (kind === 'input') {  // a sheet of paper, its corner turned
    svgElement('path', { class: 'outline', d: `M${x} ${y}H${x + w - 6}L${x + w} ${y + 6}` +
      `V${y + h}H${x}ZM${x + w - 6} ${y}V${y + 6}H${x + w}` }, parent);
  } else {
    svgElement('rect', { class: 'outline', x, y, width: w, height: h, rx: 9 }, parent);
    if (kind === 'loss') {  // the end: a double outline
      svgElement('rect', { class: 'outline', x: x - 3, y: y - 3, width: w + 6, height: h + 6,
        rx: 12, style: 'fill: none' }, parent);
    }
  }
}
