// A curve over all passes, with a cursor at one of them; a click or a drag jumps.

const MOST_POINTS = 500;  // a curve of more shows the least and the largest of each stretch

class Curve {
  // values: numbers, NaN where there is none; marks: places where something is wrong; breaks:
  // places where another run began; range: [low, high] of what is shown.
  constructor(host, values, { log = false, kind = 'norm', label = '', range, marks = [], breaks = [],
    pick = () => {} } = {}) {
    this.values = values.map(log ? Math.log10 : Number);
    const shown = this.values.filter(Number.isFinite);
    [this.low, this.high] = range ? (log ? range.map(Math.log10) : range) : extent(shown);
    this.host = host;
    host.classList.add('curve', kind);
    this.svg = svgElement('svg', { viewBox: '0 0 1000 100', preserveAspectRatio: 'none', role: 'img',
      'aria-label': label }, host);
    for (const i of breaks) this.upright(i - 0.5, 'run', 0);
    svgElement('path', { d: this.path(new Set(breaks)) }, this.svg);
    for (const i of thin(marks)) this.upright(i, 'mark', 78);
    this.cursor = this.upright(0, 'cursor', 0);
    this.dot = htmlElement('i', {}, host);
    const jump = (event) => {
      const { left, width } = this.svg.getBoundingClientRect(), inset = parseFloat(this.inset());
      const share = (event.clientX - left - inset) / (width - inset);
      pick(Math.round(Math.min(Math.max(share, 0), 1) * (values.length - 1)));
    };
    host.addEventListener('pointerdown', jump);
    host.addEventListener('pointermove', (event) => { if (event.buttons & 1) jump(event); });
  }

  // The room for numbers at its left.
  inset() { return getComputedStyle(this.svg).paddingLeft; }

  x(i) { return this.values.length > 1 ? (i / (this.values.length - 1)) * 1000 : 500; }

  y(value) {
    // Halves, since the whole may be more than a number can hold.
    const share = (value / 2 - this.low / 2) / (this.high / 2 - this.low / 2);
    return 100 - 100 * Math.min(Math.max(share, 0), 1);
  }

  upright(i, kind, top) {
    return svgElement('line', { class: kind, x1: this.x(i), x2: this.x(i), y1: top, y2: 100 }, this.svg);
  }

  // Points with numbers are joined; what is no number, or has no logarithm, is a gap.
  path(breaks) {
    const parts = [], stretch = Math.max(1, Math.ceil((2 * this.values.length) / MOST_POINTS));
    let open = false;
    for (let i = 0; i < this.values.length; i += stretch) {
      const here = [];
      for (let j = i; j < Math.min(i + stretch, this.values.length); j++) {
        if (Number.isFinite(this.values[j])) here.push(j);
        if (breaks.has(j)) open = false;
      }
      if (!here.length) { open = false; continue; }
      const below = (a, b) => this.values[a] <= this.values[b];
      const ends = stretch === 1 ? here
        : [here.reduce((a, b) => (below(a, b) ? a : b)), here.reduce((a, b) => (below(a, b) ? b : a))];
      for (const j of ends.sort((a, b) => a - b)) {
        parts.push(`${open ? 'L' : 'M'}${this.x(j).toFixed(1)} ${this.y(this.values[j]).toFixed(1)}`);
        if (!open) parts.push('h.1');  // a point alone is seen too
        open = true;
      }
    }
    return parts.join('');
  }

  show(i) {
    this.cursor.setAttribute('x1', this.x(i));
    this.cursor.setAttribute('x2', this.x(i));
    const value = this.values[i];
    this.dot.hidden = !Number.isFinite(value);
    if (this.dot.hidden) return;
    const inset = this.inset();
    this.dot.style.left = `calc(${inset} + (100% - ${inset}) * ${this.x(i) / 1000})`;
    this.dot.style.top = `${this.y(value)}%`;
  }
}

// The least and the largest, a little apart where they are equal.
function extent(numbers) {
  let [low, high] = [Infinity, -Infinity];
  for (const x of numbers) { low = Math.min(low, x); high = Math.max(high, x); }
  if (low > high) return [0, 1];
  const apart = low === high ? Math.max(0.5, Math.abs(low) / 1000) : 0;
  return [low - apart, high + apart];
}

// At most one mark for each place that can be told from its neighbours.
function thin(places) {
  const step = Math.max(1, Math.ceil(places.length / MOST_POINTS));
  return places.filter((_, i) => i % step === 0);
}
