// A line over the last two minutes, drawn in SVG: a fixed size, so that nothing moves when it fills.
const CHART_POINTS = 120;

function svg(tag, attributes) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

// `lines` is 1 or 2. Screen readers read the tile's value and note, which are set with its points, in place of the chart.
function tile(title, lines) {
  const value = el('p', {class: 'value', text: '–'});
  const note = el('p', {class: 'note', text: ' '});
  const drawing = svg('svg', {class: 'chart', viewBox: '0 0 ' + (CHART_POINTS - 1) + ' 56', preserveAspectRatio: 'none', 'aria-hidden': 'true'});
  drawing.append(svg('path', {class: 'axis', d: 'M0 55.5H' + (CHART_POINTS - 1)}));
  const paths = ['one', 'two'].slice(0, lines).map(name => svg('path', {class: name, d: ''}));
  drawing.append(...paths);
  const points = paths.map(() => []);
  return {
    node: el('section', {class: 'tile', 'aria-label': title}, el('h2', {text: title}), value, drawing, note),
    add(text, small, ...numbers) {
      value.textContent = text;
      note.textContent = small || ' ';
      numbers.forEach((number, index) => {
        points[index].push(number);
        if (points[index].length > CHART_POINTS) points[index].shift();
      });
      const most = Math.max(1e-9, ...points.flat().filter(Number.isFinite));
      paths.forEach((path, index) => {
        const start = CHART_POINTS - points[index].length;
        let line = '', isDown = false;
        points[index].forEach((number, place) => {
          if (!Number.isFinite(number)) { isDown = false; return; }
          line += (isDown ? 'L' : 'M') + (start + place) + ' ' + (54 - 50 * number / most).toFixed(1);
          isDown = true;
        });
        path.setAttribute('d', line);
      });
    },
  };
}

// A quantile of what fell into a histogram's buckets between two readings, in milliseconds; NaN where nothing did. `share`: such as 0.95.
function quantile(now, before, share) {
  const counts = now.counts.map((number, index) => number - (before ? before.counts[index] : 0));
  const total = counts.reduce((sum, number) => sum + number, 0);
  if (total <= 0) return NaN;
  let passed = 0;
  for (let index = 0; index < counts.length; index += 1) {
    if (passed + counts[index] >= share * total) {
      const low = index ? now.bounds[index - 1] : 0;
      const high = index < now.bounds.length ? now.bounds[index] : low;
      return 1000 * (low + (high - low) * (share * total - passed) / Math.max(1, counts[index]));
    }
    passed += counts[index];
  }
  return NaN;
}

// A number with a line of explanation below; with room for a bar where it, or another one in its row, is a share of something.
function number(title, hasRoom) {
  const value = el('p', {class: 'value', text: '–'}), note = el('p', {class: 'note', text: ' '}), part = el('div', {class: hasRoom ? 'part' : null});
  return {
    node: el('section', {class: 'tile', 'aria-label': title}, el('h2', {text: title}), value, part, note),
    set(text, small, kind, share) {
      value.textContent = text;
      value.className = 'value' + (kind ? ' ' + kind : '');
      note.textContent = note.title = small || ' ';
      part.replaceChildren(...(share === null || share === undefined ? [] : [bar(share, kind || 'one', null)]));
    },
  };
}

// A share of 1 as a bar; `name` is its text for screen readers, null where the number stands beside it.
function bar(share, kind, name) {
  const width = Math.max(0, Math.min(1, share)) * 100;
  const drawing = svg('svg', {class: 'chart bar-of', viewBox: '0 0 100 8', preserveAspectRatio: 'none', ...(name ? {role: 'img', 'aria-label': name} : {'aria-hidden': 'true'})});
  drawing.append(svg('rect', {class: 'track', width: 100, height: 8}), svg('rect', {class: kind, width: width.toFixed(2), height: 8}));
  return drawing;
}

const percent = share => (100 * share).toFixed(share > 0 && share < 0.1 ? 1 : 0) + ' %';

// The same in a table's cell, with the number beside it.
function part(share, kind, text) {
  return el('div', {class: 'part-of'}, bar(share, kind || 'one', null), el('span', {text: text || percent(share)}));
}
