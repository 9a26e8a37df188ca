// A layout for what is too small or too many for Graphviz beforehand: layers from left to right (or
// from top to bottom), each box as near to its neighbours as the others let it be.
// Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures", 1981.

const BETWEEN_LAYERS = 48, BETWEEN_BOXES = 18;

function layered(scene) {
  const { boxes, arrows, down } = scene;
  const along = down ? 'h' : 'w', across = down ? 'w' : 'h';
  const items = boxes.map((box) => ({ box, size: box[across], ins: [], outs: [], layer: 0, at: 0, depth: 0 }));
  layerBoxes(items, arrows);
  const chains = arrows.map(({ tail, head }) => chain(items, tail, head));
  const layers = [];
  items.forEach((item) => (layers[item.layer] ||= []).push(item));
  for (let round = 0; round < 8; round++) sweep(layers, round % 2 === 0);
  straighten(layers);
  return write(scene, items, layers, chains, along, across);
}

// The longest way from a source; then each as near to what it feeds as it can be.
function layerBoxes(items, arrows) {
  const ins = items.map(() => []), outs = items.map(() => []);
  arrows.forEach(({ tail, head }) => { ins[head].push(tail); outs[tail].push(head); });
  const waiting = ins.map((list) => list.length), ready = [];
  waiting.forEach((n, i) => { if (!n) ready.push(i); });
  const order = [];
  while (ready.length) {
    const i = ready.pop();
    order.push(i);
    for (const j of outs[i]) {
      items[j].layer = Math.max(items[j].layer, items[i].layer + 1);
      if (!--waiting[j]) ready.push(j);
    }
  }
  items.forEach((item) => { item.depth = item.layer; });
  // A box goes along if all that goes into it goes nowhere else: then only one arrow is long.
  for (const i of order.reverse()) {
    if (outs[i].length && ins[i].every((j) => outs[j].length === 1)) {
      items[i].layer = Math.min(...outs[i].map((j) => items[j].layer)) - 1;
    }
  }
}

// An arrow over several layers passes through a small item of its own in each.
function chain(items, tail, head) {
  const way = [items[tail]];
  for (let layer = items[tail].layer + 1; layer < items[head].layer; layer++) {
    const bend = { box: null, size: 6, ins: [], outs: [], layer, at: 0, depth: items[tail].depth };
    items.push(bend);
    way.push(bend);
  }
  way.push(items[head]);
  for (let i = 1; i < way.length; i++) { way[i - 1].outs.push(way[i]); way[i].ins.push(way[i - 1]); }
  return way;
}

// Order each layer by where the neighbours in the layer before (or after) stand.
function sweep(layers, forward) {
  const way = forward ? layers : [...layers].reverse();
  way.forEach((layer) => layer.forEach((item, i) => { item.place = i; }));
  for (const layer of way) {
    layer.forEach((item, i) => {
      const near = forward ? item.ins : item.outs;
      item.wish = near.length ? near.reduce((sum, n) => sum + n.place, 0) / near.length : i;
    });
    layer.sort((a, b) => a.wish - b.wish);
    layer.forEach((item, i) => { item.place = i; });
  }
}

// Keep the order, and move each item towards the middle of its neighbours. An arrow pulls the more,
// the more is behind it: so the longest way runs straight, as the sums of a long sum do.
function straighten(layers) {
  for (const layer of layers) {
    let edge = 0;
    for (const item of layer) { item.at = edge + item.size / 2; edge += item.size + BETWEEN_BOXES; }
  }
  for (let round = 0; round < 12; round++) {
    for (const layer of round % 2 ? [...layers].reverse() : layers) {
      for (const item of layer) {
        let sum = 0, weight = 0;
        for (const n of item.ins) { sum += n.at * (1 + n.depth); weight += 1 + n.depth; }
        for (const n of item.outs) { sum += n.at * (1 + item.depth); weight += 1 + item.depth; }
        item.wish = weight ? sum / weight : item.at;
        item.weight = weight || 1;
      }
      spread(layer);
    }
  }
}

// The places nearest to what is wished for at which nothing overlaps (pool adjacent violators).
function spread(layer) {
  const pools = [];
  let before = 0;
  for (const item of layer) {
    const offset = before + item.size / 2;
    before += item.size + BETWEEN_BOXES;
    let pool = { sum: item.weight * (item.wish - offset), weight: item.weight, items: [[item, offset]] };
    while (pools.length) {
      const last = pools[pools.length - 1];
      if (last.sum / last.weight <= pool.sum / pool.weight) break;
      pools.pop();
      pool = { sum: last.sum + pool.sum, weight: last.weight + pool.weight, items: last.items.concat(pool.items) };
    }
    pools.push(pool);
  }
  for (const { sum, weight, items } of pools) {
    for (const [item, offset] of items) item.at = sum / weight + offset;
  }
}

function write(scene, items, layers, chains, along, across) {
  const least = Math.min(...items.map((item) => item.at - item.size / 2), 0);
  let edge = 0;
  for (const layer of layers) {
    const depth = Math.max(...layer.map((item) => (item.box ? item.box[along] : 0)));
    for (const item of layer) { item.at -= least; item.middle = edge + depth / 2; }
    edge += depth + BETWEEN_LAYERS;
  }
  const [a, b] = along === 'w' ? ['x', 'y'] : ['y', 'x'];
  const boxes = items.filter((item) => item.box).map(({ box, at, middle }) => ({
    ...box, [a]: middle - box[along] / 2, [b]: at - box[across] / 2,
  }));
  const arrows = scene.arrows.map((arrow, i) => ({ ...arrow, points: curve(chains[i], along) }));
  const most = Math.max(...items.map((item) => item.at + item.size / 2), 0);
  const [width, height] = along === 'w' ? [edge - BETWEEN_LAYERS, most] : [most, edge - BETWEEN_LAYERS];
  return { ...scene, boxes, arrows, groups: [], width, height };
}

// From the end of one box to the beginning of the other, smoothly through the bends.
function curve(way, along) {
  const half = (item) => (item.box ? item.box[along] / 2 : 0);
  const points = [], put = (u, v) => (along === 'w' ? points.push(u, v) : points.push(v, u));
  const head = way[way.length - 1], arrow = 8;
  put(way[0].middle + half(way[0]), way[0].at);
  for (let i = 1; i < way.length; i++) {
    const [p, q] = [way[i - 1], way[i]];
    const from = p.middle + half(p), to = q.middle - half(q) - (q === head ? arrow : 0);
    const bow = (to - from) / 2;
    put(from + bow, p.at); put(to - bow, q.at); put(to, q.at);
  }
  put(head.middle - half(head), head.at);
  return points;
}
