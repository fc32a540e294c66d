const told = document.querySelector('[role=status]');
for (const box of document.querySelectorAll('.box')) {
  const pre = box.firstChild, button = document.createElement('button');
  let back;
  button.type = 'button';
  button.textContent = 'Copy';
  button.setAttribute('aria-label', 'Copy: ' + pre.ariaLabel);
  button.onclick = async () => {
    let said = 'Copied';
    try {
      await navigator.clipboard.writeText(pre.textContent);
    } catch {
      getSelection().selectAllChildren(pre);
      said = 'Selected';
    }
    button.textContent = told.textContent = said;
    clearTimeout(back);
    back = setTimeout(() => { button.textContent = 'Copy'; told.textContent = ''; }, 1600);
  };
  box.append(button);
}
