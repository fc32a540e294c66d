// Keys: searched and paged by the gateway, so that their number does not matter.
pages.push({id: 'keys', title: 'Keys', needsKeys: true, show(main) {
  const search = el('input', {type: 'search', autocomplete: 'off', spellcheck: 'false'});
  const all = el('input', {type: 'checkbox'});
  const list = el('div', {class: 'card'});
  const previous = el('button', {type: 'button', text: 'Previous page'}), next = el('button', {type: 'button', text: 'Next page'});
  let cursors = [null], page = null, roles = [], asked = 0;
  // A form has to wait for them: without its role a key would seem to have none.
  const known = api('GET', 'roles').then(found => { roles = found.roles; });

  const labelled = el('label', {class: 'row'}, all, 'those that are revoked, too');
  main.append(el('h1', {text: 'Keys'}), el('div', {class: 'bar'}, field('Search', search, 'Part of a name, a note or a role, or a whole id'), labelled,
    el('button', {type: 'button', class: 'main', text: 'New key', onclick: () => create()})), list, el('div', {class: 'actions'}, previous, next));

  const status = key => {
    if (key.revoked) return el('span', {class: 'bad', text: 'revoked'});
    if (key.expires && new Date(key.expires) <= new Date()) return el('span', {class: 'warn', text: 'expired'});
    const shadow = key.policy === 'shadow';
    return el('span', {class: shadow ? 'warn' : 'good', text: (key.expires ? 'until ' + key.expires.slice(0, 10) : 'good') + (shadow ? ', SHADOW: its rules refuse nothing' : '')});
  };
  const may = key => [key.role, ...key.allow, ...key.deny.map(rule => 'not ' + rule)].filter(Boolean).join('; ');

  async function load() {
    const number = ++asked;
    const found = await api('GET', 'keys' + query({search: search.value.trim(), all: all.checked, limit: 25, after: cursors[cursors.length - 1]}));
    if (number !== asked) return;
    page = found;
    list.replaceChildren(table('Keys by name', [['Name'], ['Id', 'mono'], ['Status'], ['Last used', 'when'], ['Uses', 'number'], ['May'], ['Note']],
      page.keys.map(key => [el('button', {type: 'button', class: 'link', text: key.name, onclick: () => open(key.name)}), key.id, status(key),
        when(key.last_used) || 'never', count(key.uses), may(key), key.note]), 'No key fits.'));
    previous.disabled = cursors.length < 2;
    next.disabled = !page.next;
  }
  const reload = () => load().catch(fault => say(fault.message));
  const restart = () => { cursors = [null]; clearTimeout(restart.timer); restart.timer = setTimeout(reload, 200); };
  search.addEventListener('input', restart);
  all.addEventListener('change', restart);
  next.addEventListener('click', () => { cursors.push(page.next); reload(); });
  previous.addEventListener('click', () => { cursors.pop(); reload(); });

  // The key, the one time that it is seen.
  function reveal(made, title) {
    const secret = el('p', {class: 'secret mono', id: 'made-key', text: made.key});
    const node = dialog(title, el('p', {text: 'This is the key ' + made.name + '. It is not shown again: put it where it is needed now, as HF_TOKEN.'}), secret,
      el('div', {class: 'actions'}, el('button', {type: 'button', class: 'main', text: 'Copy', onclick: async () => {
        await navigator.clipboard.writeText(made.key);
        say('Copied.');
      }}), el('button', {type: 'button', text: 'Done', onclick: () => { secret.remove(); node.close(); }})));
    node.addEventListener('close', () => secret.remove());
  }

  const lines = area => area.value.split('\n').map(line => line.trim()).filter(Boolean);
  const grantOf = form => ({role: form.role.value || null, allow: lines(form.allow), deny: lines(form.deny)});
  const requestsFor = repo => {
    const owner = repo.split('/')[0];
    return [['Read a model’s files', 'GET', '/' + repo + '/resolve/main/config.json'], ['See that it is there', 'GET', '/api/models/' + repo],
      ['List the owner’s models', 'GET', '/api/models?author=' + owner], ['Commit to it', 'POST', '/api/models/' + repo + '/commit/main'],
      ['Open a discussion', 'POST', '/api/models/' + repo + '/discussions'], ['Create it', 'POST', '/api/repos/create', JSON.stringify({type: 'model', name: repo.split('/')[1], organization: owner})],
      ['Change its settings', 'PUT', '/api/models/' + repo + '/settings', JSON.stringify({gated: 'auto'})], ['Delete it', 'DELETE', '/api/repos/delete', JSON.stringify({type: 'model', name: repo.split('/')[1], organization: owner})]];
  };

  // What the rules in a form allow, by the gateway's own answer, as they are typed.
  function preview(ask) {
    const repo = el('input', {value: 'acme/model', autocomplete: 'off', spellcheck: 'false'});
    const result = el('ul', {class: 'preview', 'aria-live': 'polite'});
    let latest = 0, timer = null;
    async function look() {
      const number = ++latest;
      const name = /^[\w.-]+\/[\w.-]+$/.test(repo.value.trim()) ? repo.value.trim() : 'acme/model';
      const wanted = requestsFor(name);
      try {
        const answer = await api('POST', 'explain', {...ask(), requests: wanted.map(([, method, path, body]) => body ? {method, path, body} : {method, path})});
        if (number !== latest) return;
        result.replaceChildren(...answer.explanations.map((one, index) => el('li', {}, el('b', {class: one.allowed ? 'good' : 'bad', text: one.allowed ? '✓ may' : '✗ no'}),
          el('span', {}, wanted[index][0], el('span', {class: 'soft', text: one.rule ? ' – ' + one.rule : one.why || one.reason ? ' – ' + (one.why || one.reason) : ''})))));
      } catch (fault) {
        if (number === latest) result.replaceChildren(el('li', {class: 'warn', text: fault.message}));
      }
    }
    const soon = () => { clearTimeout(timer); timer = setTimeout(look, 250); };
    repo.addEventListener('input', soon);
    soon();
    return {node: el('div', {}, field('What it may do with the model', repo), result), soon};
  }

  // The form of the command line; a number without a unit counts requests, bytes or tokens.
  const limitFields = [['concurrent', 'At once', 'Requests; empty: as its role'], ['bytes_a_day', 'Bytes a day', 'Such as 50GB'], ['tokens_a_day', 'Tokens a day', 'Such as 1M'],
    ['inference_a_day', 'Requests of models a day', 'A number']];
  function limitsForm(limits) {
    const inputs = limitFields.map(([name]) => el('input', {autocomplete: 'off', value: limits[name] === undefined ? '' : String(limits[name])}));
    const amount = text => text === '' ? null : /^[0-9]{1,15}$/.test(text) ? Number(text) : text;
    return {nodes: limitFields.map(([, label, hint], index) => field(label, inputs[index], hint)),
      members: () => Object.fromEntries(limitFields.map(([name], index) => [name, amount(inputs[index].value.trim())]))};
  }

  function rulesForm(key) {
    const limits = limitsForm(key ? key.limits : {});
    // A role that the settings do not define at present: saving a key without it would remove its denying rules.
    const absent = key && key.role && !roles.some(role => role.name === key.role) ? [[key.role, key.role + ' – not defined']] : [];
    const form = {
      role: choice([['', 'none: only the rules below'], ...roles.map(role => [role.name, role.name + ' – ' + role.rules.join('; ')]), ...absent], key ? key.role || '' : 'reader'),
      allow: el('textarea', {spellcheck: 'false', text: key ? key.allow.join('\n') : ''}), deny: el('textarea', {spellcheck: 'false', text: key ? key.deny.join('\n') : ''}),
      as: el('input', {autocomplete: 'off', spellcheck: 'false', value: key && key.as || ''}), rate: el('input', {autocomplete: 'off', value: key && key.rate || ''}),
      note: el('input', {autocomplete: 'off', maxlength: 1000, value: key ? key.note : ''}),
    };
    form.nodes = [field('Role', form.role), field('Note', form.note, 'For people: what the key is for'), field('Allow', form.allow, 'A rule a line, such as write acme/team-*'), field('Deny', form.deny, 'A rule a line; it wins over all that allow'),
      field('Acts as', form.as, 'A file of credentials_dir; empty: the gateway’s own token'), field('Rate', form.rate, 'Such as 600/m; empty: no limit'), limits.nodes];
    form.members = () => ({...grantOf(form), as: form.as.value.trim() || null, rate: form.rate.value.trim() || null, limits: limits.members(), note: form.note.value.trim()});
    return form;
  }

  const ends = [['30d', 'in 30 days'], ['90d', 'in 90 days'], ['365d', 'in a year'], ['1d', 'tomorrow'], ['never', 'never']];

  async function create() {
    await known.catch(fault => say(fault.message));
    const name = el('input', {required: true, autocomplete: 'off', spellcheck: 'false', maxlength: 64});
    const expires = choice(ends, '90d');
    const form = rulesForm(null);
    const shown = preview(() => ({grant: grantOf(form)}));
    const error = el('p', {class: 'error', role: 'alert'});
    const node = dialog('New key', el('form', {onsubmit: async event => {
      event.preventDefault();
      error.textContent = '';
      try {
        const made = await api('POST', 'keys', {name: name.value.trim(), expires: expires.value, ...form.members()});
        node.close();
        reveal(made, 'The new key');
        reload();
      } catch (fault) { error.textContent = fault.message; }
    }}, el('div', {class: 'fields'}, field('Name', name, 'The team, the job'), field('Ends', expires), form.nodes), shown.node, error,
    el('div', {class: 'actions'}, el('button', {type: 'submit', class: 'main', text: 'Make the key'}), el('button', {type: 'button', text: 'Cancel', onclick: () => node.close()}))));
    for (const control of [form.role, form.allow, form.deny]) control.addEventListener('input', shown.soon);
    name.focus();
  }

  async function open(name) {
    const key = await known.then(() => api('GET', 'keys/' + encodeURIComponent(name))).catch(fault => { say(fault.message); });
    if (!key) return;
    const path = 'keys/' + encodeURIComponent(key.name);
    const about = facts([['Id', el('code', {text: key.id})], ['Status', status(key)], ['Made', when(key.created)], ['Ends', when(key.expires) || 'never'],
      ['Last used', when(key.last_used) || 'never'], ['Uses', count(key.uses)], ...(key.previous_until ? [['Old secret until', when(key.previous_until)]] : []), ['Role’s rules', (key.role_rules || []).join('; ') || null]]);
    if (key.revoked) {
      const node = dialog(key.name, about, el('div', {class: 'actions'}, el('button', {type: 'button', text: 'Close', onclick: () => node.close()})));
      return;
    }
    const form = rulesForm(key);
    const expires = choice([['', 'as it is'], ...ends], '');
    const shown = preview(() => ({grant: grantOf(form)}));
    const error = el('p', {class: 'error', role: 'alert'});
    const node = dialog(key.name, about, el('form', {onsubmit: async event => {
      event.preventDefault();
      try {
        await api('PATCH', path, expires.value ? {...form.members(), expires: expires.value} : form.members());
        node.close();
        say('The key was changed.');
        reload();
      } catch (fault) { error.textContent = fault.message; }
    }}, el('div', {class: 'fields'}, form.nodes, field('Ends', expires)), shown.node, error, el('div', {class: 'actions'}, el('button', {type: 'submit', class: 'main', text: 'Save'}),
      el('button', {type: 'button', text: 'Rotate', onclick: () => { node.close(); rotate(key, path); }}),
      el('button', {type: 'button', class: 'danger', text: 'Revoke', onclick: () => {
        node.close();
        confirmed('Revoke ' + key.name + '?', 'Who has this key is refused from the next request on. A revoked key stays so.', 'Revoke it',
          async () => { await api('DELETE', path); say('The key was revoked.'); reload(); });
      }}), el('button', {type: 'button', text: 'Close', onclick: () => node.close()}))));
    for (const control of [form.role, form.allow, form.deny]) control.addEventListener('input', shown.soon);
  }

  function rotate(key, path) {
    const grace = choice([['24h', 'for a day'], ['7d', 'for a week'], ['1h', 'for an hour'], ['0', 'no longer']], '24h');
    const error = el('p', {class: 'error', role: 'alert'});
    const node = dialog('Another secret for ' + key.name, field('The old one works', grace), error, el('div', {class: 'actions'},
      el('button', {type: 'button', class: 'main', text: 'Rotate', onclick: async () => {
        try {
          const made = await api('POST', path + '/rotate', {grace: grace.value});
          node.close();
          reveal(made, 'The new secret');
          reload();
        } catch (fault) { error.textContent = fault.message; }
      }}), el('button', {type: 'button', text: 'Cancel', onclick: () => node.close()})));
  }

  known.catch(() => {});
  reload();
  return () => clearTimeout(restart.timer);
}});
