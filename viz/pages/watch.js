// The page of a watched folder: one pass at a time, and all of them as curves.

const RELOAD = 2000, FRAME = 180;  // milliseconds
const PLAYED = 200;  // a longer run is played in so many frames
const SPAN = 1e-12;  // what is smaller than that part of the largest norm is drawn at the bottom

const byId = (id) => document.getElementById(id);

class Watched {
  constructor(passes) {
    this.passes = passes;
    this.at = -1;
    this.names = new Map();  // each part, and its norm in each pass
    passes.forEach(({ parts }, i) => {
      for (const [name, norm] of parts) {
        if (!this.names.has(name)) this.names.set(name, new Array(passes.length).fill(NaN));
        this.names.get(name)[i] = number(norm);
      }
    });
    this.breaks = passes.map((_, i) => i).filter((i) => i && passes[i].run !== passes[i - 1].run);
    this.drawCurves();
    this.drawParts();
    this.listen();
    const many = passes.length, runs = this.breaks.length + 1;
    byId('about').textContent = `${many.toLocaleString('en')} pass${many === 1 ? '' : 'es'}` +
      (runs > 1 ? ` of ${runs} runs, each begun at a dashed line` : '') +
      `, from ${new Date(passes[0].run * 1000).toLocaleString()}. Norms are of each pass alone.`;
    byId('time').max = many;
    const asked = parseInt(location.hash.slice(1), 10);
    byId('follow').checked = location.hash === '#follow';
    this.show(asked >= 1 && asked <= many ? asked - 1 : many - 1);
    if (byId('follow').checked) this.followSoon();
  }

  places(where) {
    return this.passes.map((_, i) => i).filter((i) => where(this.passes[i]));
  }

  curve(host, values, options) {
    return new Curve(host, values, { breaks: this.breaks, pick: (i) => { this.pause(); this.show(i); }, ...options });
  }

  // The two large ones.
  drawCurves() {
    const marks = this.places((one) => one.stopped || isWrong(one.loss) || one.wrong.length);
    const large = (id, words, values, kind, log) => {
      const shown = values.filter((x) => Number.isFinite(x) && (!log || x > 0));
      const host = byId(id), last = values.length - 1;
      host.classList.add('large');
      const label = `${words} over ${values.length} passes, from ${digits(values[0])} to ${digits(values[last])}`;
      const curve = this.curve(host, values, { kind, log, marks, label });
      const ends = shown.length ? [['high', most(shown)], ['low', least(shown)]] : [];
      for (const [place, x] of ends) htmlElement('span', { class: `${place} number`, 'aria-hidden': true }, host, digits(x));
      if (log) byId(`${id}-scale`).textContent = 'logarithmic';
      return curve;
    };
    const losses = this.passes.map((p) => number(p.loss)), norms = this.passes.map((p) => number(p.norm));
    const finite = losses.filter(Number.isFinite);
    this.curves = [
      large('loss', 'Loss', losses, 'value', most(finite) > 100 * least(finite) && least(finite) > 0),
      large('norm', 'Norm of the gradient', norms, 'norm', true),
    ];
  }

  // A row for each part of the model, all on one scale.
  drawParts() {
    const all = [...this.names.values()].flat().filter((x) => Number.isFinite(x) && x > 0);
    const [low, high] = all.length ? [least(all), most(all)] : [1, 1];
    this.range = low < high ? [Math.max(low, high * SPAN), high] : [low / 10, high * 10];
    this.rows = [...this.names].map(([name, values]) => {
      const row = htmlElement('tr', {}, byId('parts'));
      const title = htmlElement('bdi', {}, htmlElement('th', { scope: 'row' }, row));
      for (const step of name.split(/(?<=\.)/)) title.append(visible(step), document.createElement('wbr'));
      const marks = this.places((one) => one.wrong.some(([part]) => part === name));
      const host = htmlElement('div', {}, htmlElement('td', { class: 'over' }, row));
      this.curves.push(this.curve(host, values, { log: true, range: this.range, marks, label: 'its norm over time' }));
      const cell = htmlElement('td', { class: 'norm number' }, row);
      const text = htmlElement('span', {}, cell);
      const bar = htmlElement('span', {}, htmlElement('div', { class: 'bar', 'aria-hidden': true }, cell));
      const word = htmlElement('small', {}, cell);
      return { name, values, cell, text, bar, word };
    });
  }

  listen() {
    byId('time').addEventListener('input', () => { this.pause(); this.show(byId('time').value - 1); });
    byId('previous').addEventListener('click', () => { this.pause(); this.show(this.at - 1); });
    byId('next').addEventListener('click', () => { this.pause(); this.show(this.at + 1); });
    byId('play').addEventListener('click', () => (this.playing ? this.pause() : this.play()));
    byId('full').addEventListener('click', () => {
      const full = byId('full').getAttribute('aria-pressed') !== 'true';
      byId('full').setAttribute('aria-pressed', full);
      this.fit();
    });
    byId('follow').addEventListener('change', () => { this.show(this.passes.length - 1); this.followSoon(); });
    addEventListener('resize', () => this.fit());
    addEventListener('keydown', (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey || event.target.id === 'frame') return;
      if (event.key === ' ' && event.target === document.body) {
        event.preventDefault();
        if (this.playing) this.pause(); else this.play();
      }
      const to = { ArrowLeft: this.at - 1, ArrowRight: this.at + 1, Home: 0, End: this.passes.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.pause();
      this.show(to);
    });
  }

  show(i) {
    i = Math.min(Math.max(i, 0), this.passes.length - 1);
    if (i === this.at) return;
    this.at = i;
    const one = this.passes[i], many = this.passes.length;
    byId('time').value = i + 1;
    byId('time').setAttribute('aria-valuetext', `pass ${i + 1} of ${many}`);
    byId('where').textContent = `${i + 1} / ${many}`;
    byId('previous').disabled = i === 0;
    byId('next').disabled = i === many - 1;
    this.addressSoon();
    this.say(one);
    this.curves.forEach((curve) => curve.show(i));
    for (const { name, values, cell, text, bar, word } of this.rows) {
      const wrong = (one.wrong.find(([part]) => part === name) || [])[1] || '';
      text.textContent = one.parts.some(([part]) => part === name) ? digits(values[i]) : '–';
      bar.style.width = `${100 * this.share(values[i])}%`;
      word.textContent = wrong;
      cell.classList.toggle('alarm', Boolean(wrong));
      cell.classList.toggle('gradient', !wrong);
    }
    this.showPicture(i);
  }

  share(norm) {
    if (!(norm > 0)) return 0;
    const [low, high] = this.range.map(Math.log10);
    return Math.min(Math.max(0.02 + (0.98 * (Math.log10(norm) - low)) / (high - low), 0.02), 1);
  }

  say(one) {
    const now = byId('now'), wrong = byId('wrong');
    now.replaceChildren();
    const put = (name, value, kind) => {
      htmlElement('span', { class: 'name' }, now, name);
      now.append(' ');
      htmlElement('b', { class: kind }, now, value);
      now.append(' ');
    };
    put('pass', String(one.pass), '');
    put('loss', digits(one.loss), isWrong(one.loss) ? 'alarm' : '');
    put('∂ norm', digits(one.norm), isWrong(one.norm) ? 'alarm' : 'gradient');

    wrong.replaceChildren(one.stopped ? `${visible(one.stopped)} ` : '');
    const words = new Map();
    for (const [name, said] of one.wrong) words.set(said, [...(words.get(said) || []), name]);
    for (const [said, names] of words) {
      wrong.append(`The gradient ${said.startsWith('is') ? said : `has ${said}`} in `);
      names.forEach((name, i) => {
        htmlElement('bdi', {}, wrong, name);  // so that it turns no text around it
        wrong.append(i < names.length - 1 ? ', ' : '. ');
      });
    }
    if (one.trouble) wrong.append(`It could not be drawn: ${visible(one.trouble)}`);
  }

  // The picture of this pass, or the latest before it.
  showPicture(i) {
    let j = i;
    while (j >= 0 && !this.passes[j].picture) j -= 1;
    const which = byId('which');
    which.replaceChildren();
    if (j < 0) { this.wanted = ''; this.instead('No picture was drawn so far.'); return; }
    const { picture, pass } = this.passes[j], image = new Image();
    this.wanted = picture;
    image.onload = () => {
      if (this.wanted !== picture) return;
      byId('frame').replaceChildren(image);
      this.fit();
    };
    image.onerror = () => {
      if (this.wanted !== picture) return;
      this.instead(picture.endsWith('.gv') ? 'Nothing here could draw: the file holds the DOT source.'
        : 'This picture was not kept.');
    };
    image.alt = `The graph of pass ${pass} with its gradients`;
    image.className = j === i ? '' : 'earlier';
    image.src = picture;
    htmlElement('a', { href: picture }, which, picture);
    if (j !== i) which.append(`, of pass ${pass}: this one was not drawn`);
    const next = (this.passes[i + 1] || {}).picture;
    if (next) new Image().src = next;  // so that it is there when it is wanted
  }

  instead(words) {
    byId('frame').replaceChildren();
    htmlElement('p', {}, byId('frame'), words);
  }

  // As wide as the frame, but never so small that nothing can be read.
  fit() {
    const image = byId('frame').querySelector('img');
    if (!image) return;
    const full = byId('full').getAttribute('aria-pressed') === 'true';
    const scale = full ? 1 : Math.min(Math.max(byId('frame').clientWidth / image.naturalWidth, 0.5), 1);
    image.style.width = `${image.naturalWidth * scale}px`;
  }

  play() {
    if (this.at === this.passes.length - 1) this.show(0);
    byId('play').textContent = 'Pause';
    byId('status').setAttribute('aria-live', 'off');
    const step = Math.max(1, Math.round(this.passes.length / PLAYED));
    this.playing = setInterval(() => {
      this.show(this.at + step);
      if (this.at === this.passes.length - 1) this.pause();
    }, FRAME);
  }

  pause() {
    clearInterval(this.playing);
    this.playing = null;
    byId('play').textContent = 'Play';
    byId('status').setAttribute('aria-live', 'polite');
  }

  // Look again for what was written since.
  followSoon() {
    clearTimeout(this.following);
    this.addressSoon();
    if (byId('follow').checked) this.following = setTimeout(() => location.reload(), RELOAD);
  }

  // The address says which pass; not at each frame, which browsers refuse.
  addressSoon() {
    clearTimeout(this.addressing);
    this.addressing = setTimeout(() => {
      history.replaceState(null, '', byId('follow').checked ? '#follow' : `#${this.at + 1}`);
    }, 250);
  }
}

addEventListener('DOMContentLoaded', () => {
  const passes = readPasses(byId('passes').textContent);
  if (passes.length) new Watched(passes);
  else byId('about').textContent = 'No pass has ended yet.';
});
