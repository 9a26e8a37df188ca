// The passes of a watched folder, and their numbers.

// Each line is a pass. One that was cut short by a crash is left out. Runs that wrote at the same
// time are taken apart.
function readPasses(lines) {
  const passes = [];
  for (const line of lines.split('\n')) {
    try { if (line) passes.push(JSON.parse(line)); } catch { continue; }
  }
  return passes.sort((a, b) => a.run - b.run || a.pass - b.pass);
}

// Four significant digits, as the pictures have them.
function digits(x) {
  if (x === null) return '–';
  x = Number(x);
  if (!Number.isFinite(x)) return Number.isNaN(x) ? 'NaN' : x > 0 ? 'inf' : '-inf';
  if (x === 0) return '0';
  const text = Math.abs(x) < 1e-4 ? x.toExponential(3) : x.toPrecision(4);
  return text.replace('e+', 'e');
}

// A norm or a loss is a number, 'NaN', 'Infinity', or null where there was none.
const number = (x) => (x === null ? NaN : Number(x));
const isWrong = (x) => x !== null && !Number.isFinite(Number(x));
const least = (numbers) => numbers.reduce((a, b) => Math.min(a, b), Infinity);
const most = (numbers) => numbers.reduce((a, b) => Math.max(a, b), -Infinity);
