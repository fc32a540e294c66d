// Health: the gateway's state, its settings, and its control.
pages.push({id: 'health', title: 'Health', show(main) {
  const about = el('div', {class: 'card'}), settings = el('div', {class: 'card'}), find = el('input', {type: 'search', autocomplete: 'off'}), list = el('div', {});
  settings.append(el('h2', {text: 'Settings, and where each comes from'}), el('div', {class: 'bar'}, field('Search', find)), list);
  const checked = el('p', {role: 'status', text: ' '});
  const verify = el('button', {type: 'button', text: 'Verify the audit', onclick: async () => {
    verify.disabled = true;
    let lines = 0, faults = [], before = null;
    try {
      do {
        const piece = await api('GET', 'audit/verify' + query({before}));
        lines += piece.lines;
        faults = faults.concat(piece.faults);
        before = piece.next;
        checked.textContent = count(lines) + ' lines looked at…';
      } while (before);
      checked.textContent = faults.length ? 'Not what was written: ' + faults.join('; ') : 'Good: ' + count(lines) + ' lines fit each other.';
      checked.className = faults.length ? 'bad' : 'good';
    } catch (fault) { checked.textContent = fault.message; }
    verify.disabled = false;
  }});
  const acts = el('div', {class: 'card'}, el('h2', {text: 'Operate'}), el('div', {class: 'actions'},
    el('button', {type: 'button', text: 'Reload settings and certificate', onclick: () => confirmed('Reload?', 'Settings, roles and the certificate are read again, as with SIGHUP. If anything is wrong, all stays as it is, and the log says why.', 'Reload',
      async () => { await api('POST', 'reload'); say('The gateway reads its settings again.'); setTimeout(load, 1500); })}),
    el('button', {type: 'button', class: 'danger', text: 'Drain and stop', onclick: () => confirmed('Stop this gateway?', 'It takes no new requests, lets those in flight finish and ends, as with SIGTERM. This page ends with it.', 'Stop it',
      async () => { await api('POST', 'drain'); say('The gateway drains, and then ends.'); })}), session.keys ? verify : null), checked);
  main.append(el('h1', {text: 'Health'}), about, acts, settings);

  let rows = [];
  const yes = (value, good, bad) => value === null ? ['–'] : value ? [good, 'good'] : [bad, 'bad'];
  async function load() {
    const [status, all] = await Promise.all([api('GET', 'status'), api('GET', 'settings')]);
    const days = Math.floor(status.uptime_seconds / 86400), hours = Math.floor(status.uptime_seconds % 86400 / 3600), minutes = Math.floor(status.uptime_seconds % 3600 / 60);
    const left = status.certificate_days_left;
    const disk = place => status.disks[place] ? [bytes(status.disks[place].free_bytes) + ' free of ' + bytes(status.disks[place].size_bytes), status.disks[place].free_bytes < 0.1 * status.disks[place].size_bytes ? 'warn' : 'good'] : ['–'];
    about.replaceChildren(el('h2', {text: status.draining ? 'Draining' : 'Running'}), facts([
      ['Version', status.version + ' (' + status.libraries + ')'], ['Access', status.access + (status.sandbox ? ', before the sandbox' : '')],
      ['Up', days + ' d ' + hours + ' h ' + minutes + ' min, since ' + when(status.started)],
      ['Workers', status.workers + ' of ' + status.workers_wanted + ', ' + status.worker_restarts + ' restarts', status.workers < status.workers_wanted ? 'bad' : 'good'],
      ['Certificate', left < 0 ? 'has expired: ' + when(status.certificate_ends) : 'ends ' + when(status.certificate_ends) + ', in ' + left + (left === 1 ? ' day' : ' days'), left < 7 ? 'bad' : left < 30 ? 'warn' : 'good'],
      ['The Hub', ...(status.hub.reachable ? ['answers, and takes the token', 'good'] : [status.hub.detail, 'bad'])],
      ['State', ...yes(status.state_up, 'can be read and written', 'cannot be used: no change of a key takes effect')],
      ['Audit', ...yes(status.audit_up, 'can be written', 'cannot be written: what changes something is refused')],
      ['Disk of the state', ...disk('state')], ['Disk of the audit', ...disk('audit')]]));
    rows = all.settings;
    show();
  }
  function show() {
    const wanted = find.value.trim().toLowerCase();
    list.replaceChildren(table('Settings', [['Name', 'mono'], ['Value'], ['From'], ['Meaning']], rows.filter(row => !wanted || (row.name + ' ' + row.value + ' ' + row.from).toLowerCase().includes(wanted))
      .map(row => [row.name, el('code', {text: row.value || 'not set'}), el('span', {class: row.from === 'default' ? 'soft' : null, text: row.from}), el('span', {class: 'soft', text: row.meaning + (row.reloadable ? '' : ' (at a restart)')})])));
  }
  find.addEventListener('input', show);
  load().catch(fault => say(fault.message));
  const timer = setInterval(() => { if (!document.hidden && !document.querySelector('dialog') && !list.matches(':focus-within')) load().catch(() => {}); }, 10000);
  return () => clearInterval(timer);
}});
