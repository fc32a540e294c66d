// The session, and which page is shown.
let leave = null;
const main = document.getElementById('main'), nav = document.getElementById('nav'), who = document.getElementById('who');

function clear() {
  if (leave) leave();
  leave = null;
  for (const node of document.querySelectorAll('dialog')) node.close();
  main.replaceChildren();
}

function showSignIn(message) {
  clear();
  session.csrf = session.name = null;
  nav.hidden = who.hidden = true;
  document.title = 'Sign in – hubgate console';
  const key = el('input', {type: 'password', required: true, autocomplete: 'current-password', spellcheck: 'false', maxlength: 200});
  const error = el('p', {class: 'error', role: 'alert', text: message || ''});
  const button = el('button', {type: 'submit', class: 'main', text: 'Sign in'});
  main.append(el('form', {class: 'card signin', onsubmit: async event => {
    event.preventDefault();
    button.disabled = true;
    try {
      begin(await api('POST', 'session', {key: key.value.trim()}));
    } catch (fault) {
      error.textContent = fault.message;
      button.disabled = false;
      key.value = '';
      key.focus();
    }
  }}, el('h1', {text: 'Sign in'}), field('A gateway key of the role admin', key, 'Made with: hubgate keys create NAME --role admin. It is good for eight hours here, and is kept nowhere in this browser.'), error,
  el('div', {class: 'actions'}, button)));
  key.focus();
}

function begin(found) {
  session.name = found.name;
  session.csrf = found.csrf_token;
  session.keys = found.keys;
  const shown = pages.filter(page => session.keys || !page.needsKeys);
  nav.replaceChildren(...shown.map(page => el('a', {href: '#' + page.id, text: page.title})));
  nav.hidden = false;
  who.replaceChildren(el('span', {text: session.name ? session.name : 'this machine'}), ...(session.csrf ? [el('button', {type: 'button', text: 'Sign out', onclick: async () => {
    await api('DELETE', 'session').catch(() => {});
    showSignIn('');
  }})] : []));
  who.hidden = false;
  route();
}

function route() {
  if (nav.hidden) return;
  const shown = pages.filter(page => session.keys || !page.needsKeys);
  const page = shown.find(one => '#' + one.id === location.hash) || shown[0];
  clear();
  for (const link of nav.children) {
    if (link.getAttribute('href') === '#' + page.id) link.setAttribute('aria-current', 'page'); else link.removeAttribute('aria-current');
  }
  document.title = page.title + ' – hubgate console';
  leave = page.show(main);
}

window.addEventListener('hashchange', () => {
  // The link to the content leads to no page.
  if (location.hash !== '#main') route();
  main.focus();
});
api('GET', 'session').then(begin).catch(fault => showSignIn(fault.status === 401 ? '' : fault.message));
