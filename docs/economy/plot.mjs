// Draws the curves that economy_curves computes as SVG, one file per figure, into docs/economy/plots.
//
//     node docs/economy/plot.mjs build/release/tests/economy_curves            writes them
//     node docs/economy/plot.mjs --check build/release/tests/economy_curves    says which are not what it would write
//
// The text is a function of the numbers alone, to a tenth of a pixel, so a picture changes when a mechanism does and only then.
// Colours are those of Okabe and Ito, which colour-blind people can tell apart; comparisons are dashed.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('plots', import.meta.url));
const pageNames = ['tokenomics', 'bonding', 'markets', 'behaviour'];
const colours = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9', '#000000'];
const ink = '#222222', faint = '#DDDDDD', axis = '#777777';

const size = {
  one: { width: 640, height: 300 },  // of the area in which curves are, by the number of panels
  two: { width: 390, height: 280 },
  left: 64, right: 18, gap: 26, above: 34, panelTitle: 24, below: 46, legendRow: 19, swatch: 26,
};

/// Width of a text in the fonts that browsers take for sans-serif, on the safe side.
const widthOf = (text, px = 12) => [...text].length * px * 0.56;
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
const fixed = (x) => String(Math.round(x * 10) / 10 + 0);

function write(x, y, text, { px = 12, anchor = 'start', weight, fill = ink, turn, halo } = {}) {
  const more = (weight ? ` font-weight="${weight}"` : '') + (turn ? ` transform="rotate(${turn} ${fixed(x)} ${fixed(y)})"` : '') +
    (halo ? ' stroke="#FFFFFF" stroke-width="4" stroke-linejoin="round" paint-order="stroke"' : '');
  return `<text x="${fixed(x)}" y="${fixed(y)}" font-size="${px}" text-anchor="${anchor}" fill="${fill}"${more}>${escaped(text)}</text>`;
}
const line = (x1, y1, x2, y2, stroke, width = 1) =>
  `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" stroke="${stroke}" stroke-width="${width}"/>`;

/// 1, 2 or 5 times a power of ten apart, at most `most` of them; powers of ten on a logarithmic axis.
function ticksOf({ min, max, log }, most) {
  const out = [];
  if (log) {
    for (let e = Math.ceil(Math.log10(min) - 1e-9); e <= Math.log10(max) + 1e-9; ++e) out.push(Number(`1e${e}`));
    return { ticks: out, digits: undefined };
  }
  let exponent = Math.floor(Math.log10((max - min) / most));
  let step = 0;
  for (const factor of [1, 2, 5, 10]) {
    step = factor * Number(`1e${exponent}`);
    if ((max - min) / step <= most) break;
  }
  for (let k = Math.ceil(min / step - 1e-9); k * step <= max + step * 1e-9; ++k) out.push(k * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { ticks: out, digits };
}
function number(x, digits) {
  const [whole, part] = (digits === undefined ? String(x) : Math.abs(x).toFixed(digits)).split('.');
  const sign = x < 0 && Number(`${whole}.${part ?? 0}`) !== 0 ? '−' : '';
  return sign + whole.replace(/\B(?=(\d{3})+$)/g, ',') + (part ? `.${part}` : '');
}

/// Legend entries in rows that fit into `width`.
function rowsOf(series, width) {
  const rows = [[]];
  let used = 0;
  series.forEach(({ label, dashed }, k) => {
    const needed = size.swatch + 6 + widthOf(label) + 16;
    if (used + needed > width && rows.at(-1).length) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1).push({ label, dashed, colour: colours[k % colours.length], x: used });
    used += needed;
  });
  return rows;
}
function legend(rows, left, top, isBars) {
  return rows.flatMap((row, r) => row.map(({ label, dashed, colour, x }) => {
    const y = top + r * size.legendRow;
    const swatch = isBars
      ? `<rect x="${fixed(left + x + 8)}" y="${fixed(y - 10)}" width="12" height="12" fill="${colour}"/>`
      : `<line x1="${fixed(left + x)}" y1="${fixed(y - 4)}" x2="${fixed(left + x + size.swatch)}" y2="${fixed(y - 4)}" stroke="${colour}" ` +
        `stroke-width="2.2"${dashed ? ' stroke-dasharray="6 4"' : ''}/>`;
    return swatch + write(left + x + size.swatch + 6, y, label);
  }));
}

function curve({ points, dashed }, colour, place) {
  const at = points.map(([x, y]) => place(x, y)).map(([x, y]) => `${fixed(x)},${fixed(y)}`).filter((p, k, all) => p !== all[k - 1]);
  return `<polyline points="${at.join(' ')}" fill="none" stroke="${colour}" stroke-width="2.2" stroke-linejoin="round"` +
    `${dashed ? ' stroke-dasharray="6 4"' : ''}/>`;
}

function bars(panel, area, place) {
  const slot = area.width / panel.categories.length;
  const width = slot * 0.8 / panel.series.length;
  const out = [];
  panel.series.forEach(({ points }, k) => {
    for (const [category, value] of points) {
      const x = area.left + slot * (category + 0.1) + width * k;
      const [, top] = place(0, value);
      out.push(`<rect x="${fixed(x + 1)}" y="${fixed(top)}" width="${fixed(width - 2)}" height="${fixed(area.top + area.height - top)}" ` +
        `fill="${colours[k]}"/>`);
      out.push(write(x + width / 2, top - 4, number(value, value >= 100 || Number.isInteger(value) ? 0 : 1), { px: 10, anchor: 'middle' }));
    }
  });
  panel.categories.forEach((name, k) => out.push(write(area.left + slot * (k + 0.5), area.top + area.height + 17, name, { anchor: 'middle' })));
  return out;
}

function mark({ x, y, label, below }, area, place) {
  const [px, py] = place(x, y);
  const isRight = px + 10 + widthOf(label, 11) > area.left + area.width;
  const isBelow = below || py < area.top + 22;
  return `<circle cx="${fixed(px)}" cy="${fixed(py)}" r="4" fill="#FFFFFF" stroke="${ink}" stroke-width="1.6"/>` +
    write(px + (isRight ? -9 : 9), py + (isBelow ? 18 : -8), label, { px: 11, anchor: isRight ? 'end' : 'start', halo: true });
}

function draw(panel, area, clip) {
  const scale = ({ min, max, log }, from, to) => (v) => {
    const share = log ? (Math.log10(v) - Math.log10(min)) / (Math.log10(max) - Math.log10(min)) : (v - min) / (max - min);
    return from + (to - from) * share;
  };
  const bottom = area.top + area.height, right = area.left + area.width;
  const sx = scale(panel.x, area.left, right), sy = scale(panel.y, bottom, area.top);
  const place = (x, y) => [sx(x), sy(y)];
  const out = [];
  const isBars = panel.categories.length > 0;
  const y = ticksOf(panel.y, 7), x = ticksOf(panel.x, area.width > 500 ? 10 : 6);
  for (const t of y.ticks) {
    out.push(line(area.left, sy(t), right, sy(t), faint), write(area.left - 7, sy(t) + 4, number(t, y.digits), { px: 11, anchor: 'end' }));
  }
  if (!isBars) {
    for (const t of x.ticks) {
      out.push(line(sx(t), area.top, sx(t), bottom, faint), write(sx(t), bottom + 16, number(t, x.digits), { px: 11, anchor: 'middle' }));
    }
  }
  if (!panel.y.log && panel.y.min < 0) out.push(line(area.left, sy(0), right, sy(0), axis));
  out.push(line(area.left, bottom, right, bottom, axis), line(area.left, area.top, area.left, bottom, axis));
  if (panel.title) out.push(write(area.left, area.top - 10, panel.title, { px: 13, weight: 'bold' }));
  if (panel.x.label) out.push(write(area.left + area.width / 2, bottom + 36, panel.x.label, { anchor: 'middle' }));
  out.push(write(area.left - 48, area.top + area.height / 2, panel.y.label, { anchor: 'middle', turn: -90 }));
  if (isBars) return out.concat(bars(panel, area, place));
  out.push(`<clipPath id="${clip}"><rect x="${fixed(area.left)}" y="${fixed(area.top - 2)}" width="${fixed(area.width + 2)}" ` +
    `height="${fixed(area.height + 4)}"/></clipPath><g clip-path="url(#${clip})">`);
  // The first series is the one that the figure is about: on top.
  panel.series.map((s, k) => curve(s, colours[k % colours.length], place)).reverse().forEach((s) => out.push(s));
  out.push('</g>', ...panel.marks.map((m) => mark(m, area, place)));
  return out;
}

function svgOf(figure) {
  const { width, height } = figure.panels.length === 1 ? size.one : size.two;
  const labels = figure.panels.map((p) => JSON.stringify(p.series.map((s) => [s.label, s.dashed])));
  const isShared = labels.length === 2 && labels[0] === labels[1];
  const step = size.left + width + size.right + size.gap;
  const whole = step * figure.panels.length - size.gap;
  const top = size.above + (figure.panels.some((p) => p.title) ? size.panelTitle : 6);
  const legends = isShared ? [rowsOf(figure.panels[0].series, whole - size.left)]
    : figure.panels.map((p) => rowsOf(p.series, width + size.right));
  const total = top + height + size.below + Math.max(...legends.map((r) => r.length)) * size.legendRow + 8;
  if (size.left + widthOf(figure.title, 15) > whole) throw new Error(`${figure.name}: the title is too long for its picture`);
  const body = [write(size.left, 22, figure.title, { px: 15, weight: 'bold' })];
  figure.panels.forEach((panel, k) => {
    const left = size.left + k * step;
    body.push(...draw(panel, { left, top, width, height }, `${figure.name}-${k}`));
    if (!isShared || k === 0) body.push(...legend(legends[k], left, top + height + size.below + 14, panel.categories.length > 0));
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${whole}" height="${total}" viewBox="0 0 ${whole} ${total}" role="img" ` +
    `font-family="Helvetica, Arial, 'DejaVu Sans', sans-serif">\n<title>${escaped(figure.title)}</title>\n` +
    `<rect width="${whole}" height="${total}" fill="#FFFFFF"/>\n${body.join('\n')}\n</svg>\n`;
}

/// What docs/economy.md lacks: a mechanism that laws may run, a section of a page, or the target of one of its links.
function indexFaults(mechanisms) {
  const index = fileURLToPath(new URL('../economy.md', import.meta.url));
  const text = readFileSync(index, 'utf8');
  const slug = (title) => title.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
  const sectionsOf = (file) => [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map((m) => slug(m[1]));
  const out = mechanisms.filter((name) => !text.includes(`\`${name}\``)).map((name) => `economy.md does not name ${name}`);
  const links = [...text.matchAll(/\]\(([^)#]+)(?:#([^)]+))?\)/g)].map((m) => ({ path: m[1], section: m[2] }));
  for (const { path, section } of links) {
    const file = join(dirname(index), path);
    if (!existsSync(file)) out.push(`economy.md links to ${path}, which is not there`);
    else if (section && !sectionsOf(file).includes(section)) out.push(`economy.md links to ${path}#${section}, which is not there`);
  }
  for (const page of pageNames) {
    for (const section of sectionsOf(join(folder, '..', `${page}.md`)).slice(1)) {
      const isLinked = links.some((l) => l.path === `economy/${page}.md` && l.section === section);
      if (!isLinked && !['measured', 'bad-input'].includes(section)) out.push(`economy.md does not link to ${page}.md#${section}`);
    }
  }
  return out;
}

const args = process.argv.slice(2);
const isCheck = args.includes('--check');
const program = args.find((a) => a !== '--check');
if (!program) {
  console.error('usage: node docs/economy/plot.mjs [--check] PROGRAM        (PROGRAM: the built economy_curves)');
  process.exit(2);
}
const { figures, mechanisms } = JSON.parse(execFileSync(program, { encoding: 'utf8', maxBuffer: 64 << 20 }));
const wanted = new Map(figures.map((f) => [`${f.name}.svg`, svgOf(f)]));
if (wanted.size !== figures.length) throw new Error('two figures have one name');
mkdirSync(folder, { recursive: true });
const there = readdirSync(folder).filter((f) => f.endsWith('.svg'));
if (isCheck) {
  const pages = pageNames.map((p) => readFileSync(join(folder, '..', `${p}.md`), 'utf8')).join();
  const wrong = [];
  for (const [name, text] of wanted) {
    if (!there.includes(name)) wrong.push(`${name} is missing`);
    else if (readFileSync(join(folder, name), 'utf8') !== text) wrong.push(`${name} is not what the mechanism computes now`);
    if (!pages.includes(`(plots/${name})`)) wrong.push(`${name} is shown on no page`);
  }
  for (const name of there) if (!wanted.has(name)) wrong.push(`${name} is made by nothing`);
  wrong.push(...indexFaults(mechanisms));
  if (wrong.length) {
    console.error(`docs/economy: ${wrong.join('; ')}.\nIf a picture is meant to change: node docs/economy/plot.mjs PROGRAM, look at them, commit them.`);
    process.exit(1);
  }
  console.log(`${wanted.size} plots are as computed`);
} else {
  for (const name of there) if (!wanted.has(name)) rmSync(join(folder, name));
  for (const [name, text] of wanted) writeFileSync(join(folder, name), text);
  console.log(`${wanted.size} plots written`);
}
