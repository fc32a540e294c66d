// Audit: what was done, by which key and by which rule; all records of one request.
pages.push({id: 'audit', title: 'Audit', needsKeys: true, show(main) {
  const form = {key: el('input', {type: 'search', autocomplete: 'off'}), repo: el('input', {type: 'search', autocomplete: 'off', placeholder: 'acme/*'}),
    action: choice([['', 'any'], 'create', 'write', 'delete', 'move', 'publish', 'settings', 'discuss', 'edit', 'rotate', 'revoke', 'sign-in', 'reload', 'drain', 'cache-purge', 'cache-remove']),
    since: el('input', {type: 'date'}), kind: choice([['', 'all'], ['refusals', 'what was refused'], ['unknown', 'what is unclear']])};
  const list = el('div', {class: 'card'}), more = el('button', {type: 'button', text: 'Older ones'}), error = el('p', {class: 'error', role: 'alert'});
  let rows = [], next = null, asked = 0;
  main.append(el('h1', {text: 'Audit'}), el('form', {class: 'bar', onsubmit: event => { event.preventDefault(); search(); }},
    field('Key', form.key), field('Repository', form.repo), field('Action', form.action), field('Since', form.since), field('Show', form.kind),
    el('button', {type: 'submit', class: 'main', text: 'Search'})), error, list, el('div', {class: 'actions'}, more));

  const who = row => row.kind === 'key-event' || row.by ? row.by : row.key;
  const what = row => row.kind === 'key-event' ? 'key ' + row.event : row.action || row.event;
  const toWhat = row => row.kind === 'key-event' ? row.key : row.resource ? row.resource + (row.new_name ? ' → ' + row.new_name : '') : row.detail;

  async function load(before) {
    const number = ++asked;
    error.textContent = '';
    try {
      const found = await api('GET', 'audit' + query({key: form.key.value.trim(), repo: form.repo.value.trim(), action: form.action.value, since: form.since.value,
        refusals: form.kind.value === 'refusals', unknown: form.kind.value === 'unknown', limit: 50, before}));
      if (number !== asked) return;
      rows = before ? rows.concat(found.rows) : found.rows;
      next = found.next;
      show();
    } catch (fault) { error.textContent = fault.message; }
  }
  const search = () => load(null);
  more.addEventListener('click', () => load(next));

  function show() {
    more.disabled = !next;
    list.replaceChildren(table('What was done, the newest first', [['Time', 'when'], ['Who'], ['What'], ['To what'], ['Result'], ['By which rule'], ['From', 'when'], ['More']],
      rows.map(row => [when(row.time), who(row), what(row), toWhat(row), el('span', {class: row.kind === 'refusal' || row.kind === 'unknown' ? 'warn' : null, text: row.result}), row.rule, row.address,
        el('button', {type: 'button', 'aria-label': 'The whole story of line ' + row.n, text: 'Story', onclick: () => story(row)})]), 'Nothing of that is in the audit.'));
  }

  async function story(row) {
    const found = row.request_id ? await api('GET', 'audit' + query({request: row.request_id, limit: 50})).catch(() => ({rows: [row]})) : {rows: [row]};
    const parts = (found.rows.length ? found.rows : [row]).map(one => el('div', {class: 'card'}, facts(Object.entries(one).sort().map(([name, value]) => [
      name, el('code', {text: typeof value === 'string' ? value : JSON.stringify(value)})]))));
    const node = dialog('One change’s whole story', parts, el('div', {class: 'actions'}, el('button', {type: 'button', text: 'Close', onclick: () => node.close()})));
  }

  search();
  return () => { asked += 1; };
}});
