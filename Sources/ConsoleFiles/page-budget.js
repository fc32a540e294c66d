// Budget: what is left of the Hub's rate limit in each window, until when, and which keys use it and wait.
pages.push({id: 'budget', title: 'Budget', show(main) {
  const tiles = {waiting: number('Wait for their turn'), waited: number('Had to wait'), spared: number('Calls spared'), refused: number('429s of the Hub')};
  const list = el('div', {}), error = el('p', {class: 'error top', role: 'alert'});
  main.append(el('h1', {text: 'Budget'}), el('div', {class: 'tiles four'}, Object.values(tiles).map(one => one.node)), error, list);

  const whose = row => ({token: 'the gateway’s token', credentials_dir: 'the credential ' + row.credential, none: 'calls without a token'})[row.source] || 'another token';

  function card(row) {
    const name = row.bucket + ' of ' + whose(row);
    const rest = row.limit ? row.left / row.limit : 0;
    const level = rest < 0.1 ? 'bad' : row.short ? 'warn' : 'good';
    const spent = row.shares.reduce((sum, share) => sum + share.calls, 0);
    const others = Math.max(0, row.calls - spent), waits = row.shares.filter(share => share.waits).length;
    const rows = row.shares.map(share => ({attributes: {'data-key': share.key || ''}, cells: [share.key || (session.keys ? 'without a key' : 'clients of one network'), count(share.calls), part(row.calls ? share.calls / row.calls : 0),
      share.waits ? el('span', {class: 'warn', text: 'waits'}) : el('span', {class: 'soft', text: 'no'})]}));
    if (others > 0 && row.share_count > row.shares.length) rows.push([row.share_count - row.shares.length + ' others', count(others), part(others / row.calls), null]);
    return el('section', {class: 'card', 'aria-label': name, 'data-bucket': row.bucket, 'data-left': row.left, 'data-limit': row.limit},
      el('h2', {}, row.bucket + ' ', el('span', {class: 'soft', text: 'of ' + whose(row)})),
      el('p', {class: 'left'}, el('strong', {class: level, text: count(row.left)}), ' of ' + count(row.limit) + ' left',
        el('span', {class: 'soft', text: ' until ' + when(row.ends).slice(11) + ' UTC, in ' + row.seconds_left + ' s' + (row.guess ? ' (not told by the Hub yet)' : '')})),
      bar(rest, level, count(row.left) + ' of ' + count(row.limit) + ' are left'),
      el('p', {class: 'note'}, count(row.calls) + ' calls in this window, ' + count(row.in_flight) + ' under way; ',
        row.short ? el('span', {class: 'warn', text: 'short: calls take turns' + (waits ? ', and ' + waits + (waits === 1 ? ' key waits' : ' keys wait') : '')}) : 'calls go at once'),
      table('Who spends ' + name, [['Key'], ['Calls', 'number'], ['Part', 'bars'], ['Waits', 'when']], rows, 'Nobody yet.'));
  }

  async function refresh() {
    if (document.hidden || list.matches(':focus-within')) return;
    const found = await api('GET', 'budget');
    tiles.waiting.set(count(found.waiting), 'at most ' + milliseconds(found.wait_ms) + ' each', found.waiting ? 'warn' : null);
    tiles.waited.set(count(found.waits.given + found.waits.refused + found.waits.left), count(found.waits.given) + ' went, ' + count(found.waits.refused) + ' got 429, ' + count(found.waits.left) + ' left');
    tiles.spared.set(count(found.saved_calls), 'by the cache; 429s avoided: ' + count(found.refusals_avoided));
    tiles.refused.set(count(found.hub_refusals.retried + found.hub_refusals.passed), count(found.hub_refusals.retried) + ' asked again, ' + count(found.hub_refusals.passed) + ' passed on');
    list.replaceChildren(...found.budgets.map(card), ...(found.budgets.length ? [] : [el('div', {class: 'card'}, el('p', {text: 'The Hub has told of no rate limit yet: it does with each answer to a call.'}))]));
    error.textContent = '';
  }

  const look = () => refresh().catch(fault => { error.textContent = fault.message; });
  look();
  const timer = setInterval(look, 2000);
  return () => clearInterval(timer);
}});
