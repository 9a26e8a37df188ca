// An array as a page shows it, from what arrays.py wrote: a small one in full, a larger one as a
// heat map, blue below zero and orange above, which the colour-blind tell apart too.

function arrayFigure(array, name) {
  const figure = document.createElement('figure');
  figure.className = 'array';
  figure.append(array.rows ? matrix(array, name) : heatMap(array, name));
  const caption = document.createElement('figcaption');
  caption.textContent = array.rows ? array.shape
    : `${array.shape}\nmin ${array.low}\nmax ${array.high}\nnorm ${array.norm}`;
  figure.append(caption);
  return figure;
}

function matrix({ rows, shape }, name) {
  if (!rows.length) return document.createTextNode('empty');
  const table = document.createElement('table');
  table.setAttribute('aria-label', `${name}, shape ${shape}`);
  for (const row of rows) {
    const line = table.insertRow();
    for (const number of row) line.insertCell().textContent = number;
  }
  return table;
}

function heatMap(array, name) {
  const { down, across, shape, low, high, norm } = array;
  const canvas = document.createElement('canvas');
  canvas.width = across;
  canvas.height = down;
  const cell = Math.max(3, Math.min(12, Math.floor(150 / Math.max(across, down))));
  canvas.style.width = `${across * cell}px`;
  canvas.style.height = `${down * cell}px`;
  canvas.setAttribute('role', 'img');
  canvas.setAttribute('aria-label',
    `Heat map of ${name}: shape ${shape}, from ${low} to ${high}, norm ${norm}`);
  paint(canvas, array);
  return canvas;
}

function paint(canvas, { cells }) {
  const levels = Uint8Array.from(atob(cells), (character) => character.charCodeAt(0));
  const context = canvas.getContext('2d'), image = context.createImageData(canvas.width, canvas.height);
  const shades = palette();
  levels.forEach((level, i) => image.data.set(shades[level], 4 * i));
  context.putImageData(image, 0, 0);
}

// A colour for each of the 256 levels, between the page's own: below zero, zero, above, NaN.
function palette() {
  const style = getComputedStyle(document.documentElement);
  const [below, zero, above, alarm] = ['--parameter-line', '--op-fill', '--gradient', '--alarm']
    .map((name) => rgb(style.getPropertyValue(name).trim()));
  return Array.from({ length: 256 }, (_, level) => {
    if (level === 0) return [...alarm, 255];
    const share = Math.abs(level - 128) / 127, end = level < 128 ? below : above;
    return [...zero.map((z, i) => Math.round(z + (end[i] - z) * share)), 255];
  });
}

function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
}
