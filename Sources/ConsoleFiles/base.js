'use strict';
// Common code of the console's pages. No text is ever interpreted as markup.

// A page is {id, title, needsKeys, show(main) -> a function that is called when it is left}. Each is in a file of its own.
const pages = [];
const session = {name: null, csrf: null, keys: false};

function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (name === 'text') node.textContent = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.flat(Infinity).filter(child => child !== null && child !== undefined));
  return node;
}

function say(text) {
  const line = document.getElementById('said');
  line.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { line.textContent = ''; }, 6000);
}

// One call to the admin API, which is beside this page. Throws an Error with the gateway's sentence.
async function api(method, path, body) {
  const headers = {};
  if (method !== 'GET' && session.csrf) headers['X-CSRF-Token'] = session.csrf;
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  const answer = await fetch('api/' + path, {
    method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: 'same-origin', cache: 'no-store',
  });
  const json = await answer.json().catch(() => ({}));
  if (answer.ok) return json;
  const error = new Error(json.error || 'The gateway answered ' + answer.status + '.');
  error.status = answer.status;
  if (answer.status === 401 && path !== 'session') showSignIn(error.message);
  throw error;
}

function query(members) {
  const given = Object.entries(members).filter(([, value]) => value !== '' && value !== null && value !== undefined && value !== false);
  return given.length ? '?' + new URLSearchParams(given).toString() : '';
}

// A labelled field; the control comes back as the second.
function field(label, control, hint) {
  field.number = (field.number || 0) + 1;
  control.id = control.id || 'field-' + field.number;
  const parts = [el('label', {for: control.id, text: label}), control];
  if (hint) {
    control.setAttribute('aria-describedby', control.id + '-hint');
    parts.push(el('p', {class: 'hint', id: control.id + '-hint', text: hint}));
  }
  return el('div', {}, parts);
}

function choice(options, value) {
  return el('select', {}, options.map(option => {
    const [name, text] = Array.isArray(option) ? option : [option, option];
    return el('option', {value: name, selected: name === value, text});
  }));
}

// A table whose cells are texts or nodes; `columns` are [title, class]. On a phone each row is a block.
function table(caption, columns, rows, empty) {
  const head = el('tr', {}, columns.map(([title, kind]) => el('th', {scope: 'col', class: kind, text: title})));
  const body = rows.map(row => el('tr', row.attributes || {}, (row.cells || row).map((cell, index) => el(
    'td', {class: columns[index][1], 'data-label': columns[index][0]}, cell === null || cell === undefined ? '–' : cell))));
  return el('div', {class: 'wide', tabindex: 0, role: 'region', 'aria-label': caption},
    el('table', {class: 'stack'}, el('caption', {text: caption}), el('thead', {}, head), el('tbody', {}, body)),
    rows.length ? null : el('p', {class: 'soft', text: empty || 'Nothing.'}));
}

function facts(pairs) {
  return el('dl', {class: 'facts'}, pairs.flatMap(([name, value, kind]) => [
    el('dt', {text: name}), el('dd', {class: kind}, value === null || value === undefined ? '–' : value)]));
}

function dialog(title, ...children) {
  const node = el('dialog', {'aria-labelledby': 'dialog-title'}, el('h2', {id: 'dialog-title', text: title}), children);
  node.addEventListener('close', () => node.remove());
  document.body.append(node);
  node.showModal();
  return node;
}

// Asks before what cannot be undone. `act` may fail: then its sentence is shown and the question stays.
function confirmed(title, text, word, act) {
  const error = el('p', {class: 'error', role: 'alert'});
  const button = el('button', {type: 'button', class: 'danger', text: word, onclick: async () => {
    button.disabled = true;
    try {
      await act();
      node.close();
    } catch (fault) {
      error.textContent = fault.message;
      button.disabled = false;
    }
  }});
  const node = dialog(title, el('p', {text}), error, el('div', {class: 'actions'}, button,
    el('button', {type: 'button', text: 'Leave it', onclick: () => node.close()})));
  return node;
}

const when = text => text ? text.replace('T', ' ').replace(/\.\d+Z$|Z$/, '') : null;
const count = number => Number(number).toLocaleString('en-US');
function bytes(number) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) { number /= 1024; unit += 1; }
  return (unit && number < 10 ? number.toFixed(1) : Math.round(number)) + ' ' + units[unit];
}
function milliseconds(number) {
  if (number === null || number === undefined || Number.isNaN(number)) return '–';
  return number >= 10000 ? (number / 1000).toFixed(1) + ' s' : number >= 10 ? Math.round(number) + ' ms' : number.toFixed(1) + ' ms';
}
