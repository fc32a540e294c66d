// Cache: what is kept in memory and on the disk, how many calls it saves, and how to remove it.
pages.push({id: 'cache', title: 'Cache', show(main) {
  const memory = {ratio: number('Hit ratio', true), spared: number('Calls spared', true), responses: number('Responses kept', true), bytes: number('Memory', true)};
  const disk = {ratio: number('Hit ratio', true), files: number('Files kept', true), bytes: number('On the disk', true), sent: number('Sent from the disk', true)};
  const workers = el('div', {}), memoryOff = el('p', {hidden: true}), diskOff = el('div', {class: 'card', hidden: true}), diskOn = el('div', {hidden: true});
  const list = el('div', {}), error = el('p', {class: 'error top', role: 'alert'}), wrong = el('p', {class: 'error top', role: 'alert'});
  const name = el('input', {type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder: 'acme/model', maxlength: 200});
  const first = el('button', {type: 'button', text: 'First page'}), more = el('button', {type: 'button', text: 'Next page'});
  let next = null, after = null;

  memoryOff.append('No response is kept: ', el('code', {text: 'cache_memory'}), ' is off.');
  diskOff.append(el('p', {text: 'No file is kept on the disk. With a directory for them, large files are fetched from the Hub once, and served from here afterwards. In the settings file, and then restart:'}),
    el('pre', {tabindex: 0}, el('code', {text: 'cache_dir: /var/cache/hubgate\ncache_size: 100GiB'})));
  diskOn.append(el('div', {class: 'tiles four'}, Object.values(disk).map(one => one.node)), el('div', {class: 'card'}, list, el('div', {class: 'actions'}, first, more)));
  main.append(el('h1', {text: 'Cache'}), error, el('h2', {text: 'Responses of the Hub, in memory'}),
    el('div', {class: 'tiles four'}, Object.values(memory).map(one => one.node)), memoryOff, el('div', {class: 'card'}, workers),
    el('form', {class: 'card', 'aria-label': 'Purge', onsubmit: purge}, el('div', {class: 'bar'}, field('Purge a repository', name), el('button', {type: 'submit', text: 'Purge'}),
      el('button', {type: 'button', class: 'danger', text: 'Purge all', onclick: () => ask('all repositories', {all: true})})), wrong,
      el('p', {class: 'hint', text: 'Nothing of it that was fetched before now is given out any more, by any worker. Files on the disk stay, and the Hub is asked again who may have them.'})),
    el('h2', {text: 'Files, on the disk'}), diskOff, diskOn);

  function purge(event) {
    event.preventDefault();
    const repository = name.value.trim();
    wrong.textContent = /^[^/\s]+(\/[^/\s]+){1,2}$/.test(repository) ? '' : 'Name a repository as owner/name.';
    if (!wrong.textContent) ask(repository, {repositories: [repository]});
  }

  function ask(what, body) {
    confirmed('Purge ' + what + '?', 'What is kept of the Hub’s responses is not given out any more, and is asked for again. No file and nothing at the Hub is deleted.', 'Purge it', async () => {
      await api('POST', 'cache/purge', body);
      name.value = '';
      say('Nothing that was fetched before now is given out.');
      look();
    });
  }

  const outcomes = ['hit', 'stale', 'stand_in', 'collapsed', 'validated', 'miss', 'bypass'];
  const share = ratio => ratio === null ? '–' : percent(ratio);

  function showMemory(found) {
    memoryOff.hidden = found.on;
    const spared = found.requests.hit + found.requests.stale + found.requests.stand_in + found.requests.collapsed;
    memory.ratio.set(share(found.hit_ratio), count(spared) + ' of ' + count(spared + found.requests.miss + found.requests.validated) + ' requests', null, found.hit_ratio);
    memory.spared.set(count(found.saved_calls), 'so much of the rate limit is left');
    memory.responses.set(count(found.responses), count(found.stored) + ' stored, ' + count(found.evictions) + ' evicted');
    memory.bytes.set(bytes(found.bytes), 'of ' + bytes(found.capacity_bytes) + ' a worker', null, found.capacity_bytes ? found.bytes / found.capacity_bytes / found.workers.length : 0);
    workers.replaceChildren(table('By worker', [['Worker', 'name'], ['Hit ratio', 'bars'], ['Responses', 'number'], ['Memory', 'number'], ...outcomes.map(one => [one.replace('_', ' '), 'number'])],
      found.workers.map(row => ({attributes: {'data-worker': row.worker}, cells: [String(row.worker || 'the one process'), row.hit_ratio === null ? null : part(row.hit_ratio), count(row.responses), bytes(row.bytes), ...outcomes.map(one => count(row.requests[one]))]}))));
  }

  function showDisk(found) {
    diskOff.hidden = found.on;
    diskOn.hidden = !found.on;
    const asked = found.requests.hit + found.requests.miss;
    disk.ratio.set(share(found.hit_ratio), count(found.requests.hit) + ' of ' + count(asked) + ' requests', null, found.hit_ratio);
    disk.files.set(count(found.files), 'in ' + found.directory + '; ' + count(found.evictions) + ' evicted');
    disk.bytes.set(bytes(found.bytes), 'of ' + bytes(found.capacity_bytes), found.workers_up ? null : 'bad', found.capacity_bytes ? found.bytes / found.capacity_bytes : 0);
    disk.sent.set(bytes(found.sent_bytes), bytes(found.filled_bytes) + ' fetched' + (found.peer_bytes ? ', ' + bytes(found.peer_bytes) + ' of it from replicas' : '') + '; damaged: ' + count(found.corrupt.transit + found.corrupt.disk));
  }

  const askFiles = () => api('GET', 'cache/files' + query({after, limit: 50}));
  const files = async () => showFiles(await askFiles());

  function showFiles(found) {
    next = found.next;
    more.disabled = !next;
    first.disabled = !after;
    list.replaceChildren(table('Files by their SHA-256', [['SHA-256', 'name'], ['Size', 'number'], ['Here', 'bars'], ['Hits', 'number'], ['Since', 'when'], ['Act']],
      found.files.map(row => ({attributes: {'data-file': row.sha256}, cells: [el('code', {text: row.sha256}), bytes(row.size), part(row.size ? row.held / row.size : 0, row.complete ? 'good' : 'warn', row.complete ? 'all' : bytes(row.held)), count(row.hits), when(row.created),
        el('button', {type: 'button', class: 'danger', 'aria-label': 'Remove ' + row.sha256, text: 'Remove', onclick: () => confirmed('Remove this file?', row.sha256 + ' is fetched again when it is next asked for. A client that reads it now reads it to its end.', 'Remove it', async () => {
          await api('DELETE', 'cache/files/' + row.sha256);
          say('The file was removed.');
          await files();
        })})]})), 'No file is kept yet.'));
  }

  first.addEventListener('click', () => { after = null; files().catch(fail); });
  more.addEventListener('click', () => { after = next; files().catch(fail); });
  const fail = fault => { error.textContent = fault.message; };

  async function refresh(isFirst) {
    const found = await api('GET', 'cache');
    let kept = null, fault = null;
    if (found.files.on && (isFirst || !list.matches(':focus-within'))) kept = await askFiles().catch(thrown => { fault = thrown; });
    // All at once: what came later would move what is below it.
    showMemory(found.responses);
    showDisk(found.files);
    if (kept) showFiles(kept);
    error.textContent = fault ? fault.message : '';
  }
  const look = isFirst => refresh(isFirst).catch(fail);
  look(true);
  const timer = setInterval(() => { if (!document.hidden && !document.querySelector('dialog')) look(false); }, 5000);
  return () => clearInterval(timer);
}});
