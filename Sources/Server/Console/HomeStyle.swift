import EventIO

/// How the home page looks. Fonts are those of the reader's system: the page loads nothing.
enum HomeStyle {
    static let css: StaticString = """

        :root {
          color-scheme: light dark;
          --page: #f4f5f7; --box: #fff; --ink: #14171f; --soft: #545c6a; --line: #d3d8e0; --link: #2b49c6;
          --good: #18794e; --warn: #96610a; --bad: #c4281c; --idle: #6a7280;
          --mono: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "Liberation Mono", monospace;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #0f1217; --box: #171b22; --ink: #e8ebf0; --soft: #9ca5b4; --line: #2c333e; --link: #9db0ff;
            --good: #4fc78f; --warn: #e9b04a; --bad: #ff8577; --idle: #8b94a3;
          }
        }
        *, ::before, ::after { box-sizing: border-box; margin: 0; padding: 0; }
        body {
          max-width: 66rem; margin: auto; padding: 0 clamp(1.25rem, 4vw, 3rem);
          font: 1rem/1.55 Inter, ui-sans-serif, system-ui, sans-serif; color: var(--ink); background: var(--page);
        }
        header, footer { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; justify-content: space-between; }
        header { padding: 1.75rem 0; align-items: baseline; }
        h1 { font-size: 1.05rem; letter-spacing: -.01em; }
        h1::before {
          content: ""; display: inline-block; width: .9em; height: .85em; margin-right: .55em; vertical-align: -.04em;
          border: solid var(--link); border-width: 0 .2em;
        }
        nav a + a { margin-left: 1.25rem; }
        a { color: var(--link); text-underline-offset: .25em; text-decoration-thickness: 1px; }
        a:hover { text-decoration-thickness: 2px; }
        :focus-visible { outline: 2px solid var(--link); outline-offset: 3px; border-radius: 3px; }
        .purpose {
          max-width: 21em; margin: clamp(1.25rem, 3.5vw, 2.5rem) 0 clamp(2.25rem, 4.5vw, 3.25rem);
          font-size: clamp(1.65rem, 1.1rem + 2.3vw, 2.6rem); font-weight: 600; line-height: 1.16;
          letter-spacing: -.025em; text-wrap: balance;
        }
        ol, ul { list-style: none; }
        ol { display: grid; grid-template-columns: 1fr 1fr minmax(0, 1.1fr); }
        ol li { position: relative; padding: 1.6rem 1.5rem 0 0; min-width: 0; overflow-wrap: anywhere; }
        ol li::before, ol li::after { content: ""; position: absolute; top: 0; left: 0; }
        ol li::before { top: .375rem; width: 100%; border: 0 solid var(--soft); border-top-width: 2px; }
        ol li::after { width: .875rem; height: .875rem; border-radius: 50%; background: var(--ink); }
        ol b, ol span { display: block; }
        ol b { font-weight: 600; }
        ol span, dl, li p, footer, .part > div > p { color: var(--soft); }
        ol .gate::after {
          top: -.25rem; width: 1.125rem; height: 1.375rem; background: var(--page);
          border: solid var(--ink); border-width: 0 3px; border-radius: 0;
        }
        .hub::before { display: none; }
        .good { --now: var(--good); }
        .warn { --now: var(--warn); }
        .bad { --now: var(--bad); }
        .idle { --now: var(--idle); }
        .road .hub::after {
          background: var(--now); box-shadow: 0 0 0 4px color-mix(in srgb, var(--now) 22%, transparent);
        }
        .road .gate::before { border-color: var(--now); }
        .bad .gate::before, .idle .gate::before { border-top-style: dashed; }
        .idle .hub::after { background: var(--page); border: 3px solid var(--now); box-shadow: none; }
        .state strong { color: var(--now); }
        .idle .state strong { color: var(--ink); }
        dl { display: flex; flex-wrap: wrap; gap: .35rem 3rem; margin-top: 2.25rem; font-size: .9rem; }
        dt, dd { display: inline; }
        dt { margin-right: .5rem; }
        dd b { font-weight: 600; color: var(--ink); }
        .part {
          display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: 1rem;
          margin-top: clamp(2.25rem, 5vw, 3.25rem); padding-top: 1.5rem; border-top: 1px solid var(--line);
        }
        h2 { font-size: 1rem; font-weight: 600; }
        h3 { font: 400 .95rem/1.5 var(--mono); overflow-wrap: anywhere; }
        h3 b { display: inline-block; min-width: 4.2rem; }
        li + li h3 { margin-top: 2rem; }
        .box {
          display: flex; margin-top: .75rem;
          background: var(--box); border: 1px solid var(--line); border-radius: 6px;
        }
        pre { flex: 1; min-width: 0; padding: .7rem .9rem; white-space: pre-wrap; overflow-wrap: anywhere; }
        code { font: .875rem/1.6 var(--mono); }
        pre code { -webkit-user-select: all; user-select: all; }
        button {
          min-width: 5rem; min-height: 2.75rem; border: 0; border-left: 1px solid var(--line); background: none;
          font: inherit; font-size: .875rem; color: var(--link); cursor: pointer;
        }
        button:hover { text-decoration: underline; text-underline-offset: .25em; }
        footer {
          margin: clamp(2.5rem, 6vw, 4rem) 0 2rem; padding-top: 1.25rem;
          border-top: 1px solid var(--line); font-size: .875rem;
        }
        .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
        @media (max-width: 44rem) {
          .part { grid-template-columns: minmax(0, 1fr); }
          ol { grid-template-columns: 1fr; }
          ol li { padding: 0 0 1.4rem 2rem; }
          ol li::before { top: .5rem; left: .375rem; width: 0; height: 100%; border-width: 0 0 0 2px; }
          .bad .gate::before, .idle .gate::before { border-left-style: dashed; }
          ol li::after { top: .35rem; }
          ol .gate::after { top: .225rem; width: .875rem; height: 1.125rem; border-width: 3px 0; }
          pre { padding: .7rem .6rem; }
          ol li:last-child { padding-bottom: 0; }
          dl { margin-top: 1.75rem; }
          h3, code { font-size: .8125rem; }
          button { min-width: 4rem; }
        }

        """

    /// Of `css`, for the Content-Security-Policy.
    static let digest = "sha256-jqdd9qS9QQ3LdCkBRPrgGzCw9GQj6CRIAEQLkn67eHs="
}

/// What the home page runs in the browser: it puts a button beside each box of commands. The page lacks nothing else
/// without it.
enum HomeScript {
    static let source: StaticString = """

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

        """

    /// Of `source`, for the Content-Security-Policy.
    static let digest = "sha256-h//Hh1xQ0s+8oK28BxMcZZVMNF3VCE/3qRY/PF3/New="
}
