// Now: the figures that the gateway sends each second, and the requests that its worker knows.
pages.push({id: 'now', title: 'Now', show(main) {
  const tiles = {
    requests: tile('Requests a second', 1), errors: tile('Errors a second', 2), latency: tile('Latency', 2),
    flight: tile('In flight', 1), upstream: tile('The Hub', 2), cache: tile('Answered without the Hub', 1),
  };
  const totals = el('div', {class: 'card'});
  const running = el('div', {class: 'card'});
  const recent = el('div', {class: 'card'});
  const filters = {key: el('input', {type: 'search', autocomplete: 'off'}), status: choice([['', 'any'], ['2', '2xx'], ['3', '3xx'], ['4', '4xx'], ['5', '5xx'], ['none', 'client left']]), route: choice([['', 'any']])};
  const list = el('div', {});
  recent.append(el('h2', {text: 'The last 200 requests'}), el('div', {class: 'bar'}, field('Key', filters.key), field('Status', filters.status), field('Endpoint', filters.route)), list);
  main.append(el('h1', {text: 'Now'}), el('div', {class: 'tiles'}, Object.values(tiles).map(one => one.node)), running, recent, totals);

  // Of the last ten seconds: a single second may have no request whose time could be shown.
  let before = null, earlier = [], rows = [];
  const own = new Set(['health', 'ready', 'metrics', 'admin', 'console', 'documents']);
  const sum = (figures, of) => Object.entries(figures.requests).filter(([route]) => !own.has(route))
    .reduce((total, [, counts]) => total + Object.entries(counts).reduce((part, [name, number]) => part + (of(name) ? number : 0), 0), 0);

  function take(figures) {
    const seconds = before ? Math.max(0.2, (figures.time_ms - before.time_ms) / 1000) : 1;
    const rate = of => before ? (sum(figures, of) - sum(before, of)) / seconds : 0;
    const all = rate(() => true);
    const server = rate(name => name === '5xx'), client = rate(name => name === '4xx');
    const since = earlier[0];
    const times = (name, share) => quantile(figures[name], since && since[name], share);
    const p50 = times('duration', 0.5), p95 = times('duration', 0.95), up50 = times('upstream_duration', 0.5), up95 = times('upstream_duration', 0.95);
    const lasting = since ? 'of ten seconds' : 'since the start';
    tiles.requests.add(all.toFixed(all < 10 ? 1 : 0), count(sum(figures, () => true)) + ' since the start', all);
    tiles.errors.add(server.toFixed(1), 'of 5xx; 4xx (dashed) ' + client.toFixed(1), server, client);
    tiles.latency.add(milliseconds(p95), 'p95; p50 (dashed) ' + milliseconds(p50) + ', ' + lasting, p95, p50);
    tiles.flight.add(count(figures.requests_in_flight), count(figures.connections) + ' connections', figures.requests_in_flight);
    tiles.upstream.add(milliseconds(up95), 'p95; p50 (dashed) ' + milliseconds(up50) + '; ' + count(figures.upstream_calls_in_flight) + ' calls, ' + count(figures.upstream_calls_queued + figures.budget_waiting) + ' wait', up95, up50);
    // Of relayed requests. With a cache, those that were answered by another's call are among its requests already.
    const sumOf = counts => Object.values(counts || {}).reduce((total, number) => total + number, 0);
    const kept = figures.cache_requests.hit + figures.cache_requests.stale + figures.cache_requests.stand_in + figures.requests_shared;
    const asked = sumOf(figures.cache_requests) || sumOf(figures.requests.relay);
    const share = asked ? 100 * kept / asked : 0;
    tiles.cache.add(share.toFixed(0) + ' %', count(kept) + ' of ' + count(asked) + ' requests; ' + bytes(figures.cache_bytes) + ' kept', share);
    before = figures;
    earlier.push(figures);
    if (earlier.length > 10) earlier.shift();
    showTotals(figures);
  }

  function showTotals(figures) {
    const classes = ['2xx', '3xx', '4xx', '5xx', 'none'];
    totals.replaceChildren(table('Requests since the start, all workers', [['Endpoint'], ...classes.map(name => [name === 'none' ? 'client left' : name, 'number'])],
      Object.entries(figures.requests).map(([route, counts]) => ({attributes: {'data-route': route}, cells: [route, ...classes.map(name => count(counts[name] || 0))]}))));
    const known = new Set([...filters.route.options].map(option => option.value));
    for (const route of Object.keys(figures.requests)) if (!known.has(route)) filters.route.append(el('option', {value: route, text: route}));
  }

  function showRecent() {
    const key = filters.key.value.trim().toLowerCase(), status = filters.status.value, route = filters.route.value;
    const shown = rows.filter(row => (!key || (row.key || '').toLowerCase().includes(key)) && (!route || row.route === route)
      && (!status || (status === 'none' ? row.status === null : String(row.status).startsWith(status))));
    list.replaceChildren(table('Requests that have ended, the newest first', [['Time', 'when'], ['Request', 'path'], ['Status', 'number'], ['Took', 'number'], ['Key'], ['Client', 'when'], ['What went wrong']],
      shown.map(row => [when(row.time).slice(11), el('span', {}, row.method + ' ', el('code', {text: row.path})),
        el('span', {class: row.status === null || row.status >= 500 ? 'bad' : row.status >= 400 ? 'warn' : 'good', text: row.status === null ? 'left' : String(row.status)}),
        milliseconds(row.ms), row.key, row.client, row.error ? row.error + ': ' + row.detail : null]), 'None that fits.'));
  }

  async function refresh() {
    if (document.hidden || list.matches(':focus-within')) return;
    const [now, ended] = await Promise.all([api('GET', 'requests'), api('GET', 'requests/recent')]);
    const place = now.workers > 1 ? ' (worker ' + now.worker + ' of ' + now.workers + ')' : '';
    if (!running.matches(':focus-within')) {
      running.replaceChildren(table('Under way' + place, [['Request', 'path'], ['For', 'number'], ['Sent', 'number'], ['Key'], ['Client', 'when'], ['With'], ['Act']],
        now.requests.filter(row => !own.has(row.route)).map(row => [el('span', {}, row.method + ' ', el('code', {text: row.path})), milliseconds(row.ms), bytes(row.bytes), row.key, row.client, row.agent,
          el('button', {type: 'button', class: 'danger', 'aria-label': 'End the request ' + row.id, text: 'End', onclick: () => confirmed(
            'End this request?', row.method + ' ' + row.path + ' of ' + (row.key || row.client) + ' is cut off.', 'End it',
            async () => { await api('DELETE', 'requests/' + encodeURIComponent(row.id)); say('The request was ended.'); })})]),
        'Nothing but this page.'));
    }
    rows = ended.requests;
    showRecent();
  }

  for (const control of Object.values(filters)) control.addEventListener('input', showRecent);
  const stream = new EventSource('api/events');
  stream.onmessage = event => take(JSON.parse(event.data));
  api('GET', 'figures').then(take).catch(() => {});
  refresh().catch(fault => say(fault.message));
  const timer = setInterval(() => refresh().catch(() => {}), 2000);
  return () => { stream.close(); clearInterval(timer); };
}});
