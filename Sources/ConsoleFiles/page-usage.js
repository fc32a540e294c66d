// Usage: what keys did over some days, grouped as chosen.
pages.push({id: 'usage', title: 'Usage', needsKeys: true, show(main) {
  const day = back => new Date(Date.now() - back * 86400000).toISOString().slice(0, 10);
  const form = {by: choice([['key', 'key'], ['repo', 'repository'], ['model', 'model'], ['action', 'action'], ['day', 'day']], 'key'),
    days: choice([['0', 'today'], ['6', 'the last 7 days'], ['29', 'the last 30 days'], ['89', 'the last 90 days'], ['', 'other days']], '6'),
    since: el('input', {type: 'date', value: day(6)}), until: el('input', {type: 'date', value: day(0)}), key: el('input', {type: 'search', autocomplete: 'off'})};
  const list = el('div', {class: 'card'}), error = el('p', {class: 'error top', role: 'alert'});
  const tiles = {requests: number('Requests'), errors: number('Errors'), bytes: number('Bytes out'), tokens: number('Tokens')};
  let asked = 0, timer = null;
  main.append(el('h1', {text: 'Usage'}), el('form', {class: 'bar', onsubmit: event => { event.preventDefault(); load(); }},
    field('By', form.by), field('Days', form.days), field('From (UTC)', form.since), field('To', form.until), field('Only of the key', form.key),
    el('button', {type: 'submit', class: 'main', text: 'Show'})), el('div', {class: 'tiles four'}, Object.values(tiles).map(one => one.node)), error, list);

  function shown(found) {
    const {total, rows, by} = found, share = row => total.requests ? row.requests / total.requests : 0;
    const title = {key: 'Key', repo: 'Repository', model: 'Model', action: 'Action', day: 'Day'}[by];
    tiles.requests.set(count(total.requests), 'from ' + found.since + ' to ' + found.until);
    tiles.errors.set(count(total.errors), total.requests ? percent(total.errors / total.requests) + ' of all' : ' ', total.errors ? 'warn' : null);
    tiles.bytes.set(bytes(total.bytes_out), bytes(total.bytes_in) + ' in; the Hub was asked ' + count(total.upstream_calls) + ' times');
    tiles.tokens.set(count(total.tokens_in + total.tokens_out), count(total.tokens_in) + ' in, ' + count(total.tokens_out) + ' out');
    list.replaceChildren(table('By ' + title.toLowerCase() + (found.count > rows.length ? ', the ' + rows.length + ' with the most requests of ' + count(found.count) : ''),
      [[title, 'name'], ['Requests', 'number'], ['Part', 'bars'], ['Errors', 'number'], ['Hub calls', 'number'], ['In', 'number'], ['Out', 'number'], ['Tokens in', 'number'], ['Tokens out', 'number']],
      rows.map(row => ({attributes: {'data-name': row[by], 'data-requests': row.requests}, cells: [by === 'key' ? row[by] : el('code', {text: row[by]}), count(row.requests), part(share(row)), count(row.errors),
        count(row.upstream_calls), bytes(row.bytes_in), bytes(row.bytes_out), count(row.tokens_in), count(row.tokens_out)]})),
      found.usage_days ? 'Nothing was counted in that time.' : 'Nothing is kept: usage_days is 0.'));
  }

  async function load() {
    const order = ++asked;
    try {
      const found = await api('GET', 'usage' + query({by: form.by.value, since: form.since.value, until: form.until.value, key: form.key.value.trim(), limit: 200}));
      if (order !== asked) return;
      error.textContent = '';
      shown(found);
    } catch (fault) { if (order === asked) error.textContent = fault.message; }
  }

  form.days.addEventListener('input', () => {
    if (form.days.value === '') return;
    form.since.value = day(Number(form.days.value));
    form.until.value = day(0);
    load();
  });
  for (const control of [form.since, form.until]) control.addEventListener('input', () => { form.days.value = ''; load(); });
  form.by.addEventListener('input', load);
  load();
  timer = setInterval(() => { if (!document.hidden && !list.matches(':focus-within')) load(); }, 15000);
  return () => { asked += 1; clearInterval(timer); };
}});
