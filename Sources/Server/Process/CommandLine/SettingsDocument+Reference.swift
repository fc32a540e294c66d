extension SettingsDocument {
    /// docs/SETTINGS.md.
    static let reference = rules + SettingsTable.groups.map(table).joined()

    private static let rules = """
        # Settings

        Printed by `hubgate --print-docs settings` from the table in `Sources/Server/Settings/SettingsTable.swift`.

        A setting `some_name` is the key `some_name` in the settings file, the variable `HUBGATE_SOME_NAME` in the
        environment, and the flag `--some-name`. The later of these wins: default, settings file, `.env`, environment,
        flag. `hubgate --print-config` prints each value and where it came from; `hubgate --check` only says what is
        wrong.

        - **Settings file**: the one that `config` names, which has to exist; else `config/hubgate.yaml`, else
          `/etc/hubgate/hubgate.yaml`, else none. It is YAML of `name: value` lines. A key without a value says
          nothing. What takes several values takes them with commas between them, or as a YAML list; `roles` is a YAML
          mapping, and elsewhere than in the file the same in one line.
        - **`.env`** in the working directory: `NAME=value` lines, with or without `export`, quotes and comments.
          Nothing is expanded. Variables that are not hubgate's are left alone.
        - **Environment**: an empty variable counts as absent. A variable's own name wins over its other names.
        - **Flags**: `--name value` or `--name=value`; of two the last counts, but of a setting that takes several
          values both do. An on/off setting is `--name` or `--name=off`.
        - **Unknown names** (keys, flags, `HUBGATE_` variables) are errors. Every error is one line on standard error
          that says where it is; the program then ends with status 78. A value that another place overrides is not
          looked at.
        - **The token** comes from `HUBGATE_TOKEN`, `HF_ACCESS_TOKEN`, `HF_TOKEN`, or the file that `token_file`
          names. It is refused as a flag, which the process list shows, and in the settings file, which gets copied
          and committed. Where `token` and `token_file` are both given, the one from the stronger place counts; in one
          place they exclude each other.
        - **The proxy**: variables such as `HTTPS_PROXY` and `NO_PROXY` are the weakest place of all: they count where no
          place above gives `upstream_proxy`, and then for https only. A password is refused as a flag and in the settings
          file, like the token; `upstream_proxy_file` names a file that holds the whole address.
        - **The certificate** is `certs/cert.pem` with `certs/key.pem`; if `certs/cert.pem` does not exist and
          `/certs/cert.pem` does, it is that one with `/certs/key.pem`. Who gives one of `tls_cert` and `tls_key`
          gives both.
        - **Access** has to be chosen as soon as `listen` is more than a loopback address.
        - **SIGHUP** reads all of this again. What is marked *reload* below takes effect then; the rest needs a
          restart.

        """

    private static func table(_ group: SettingsTable.Group) -> String {
        let head = """

            ## \(group.title)

            | Setting | Meaning | Default | Accepted | Reload | Other variables |
            |---|---|---|---|---|---|

            """
        return head + group.settings.map(row).joined()
    }

    private static func row(_ setting: Setting) -> String {
        let cells = [
            "`\(setting.name)`", setting.meaning, setting.defaultText, setting.accepted,
            setting.isReloadable ? "reload" : "",
            (setting.aliases + setting.conventions).map { "`\($0)`" }.joined(separator: ", "),
        ]
        return "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
    }
}
