/// Why a secret is not accepted from sources that others can read, by source.
extension SettingsTable {
    static let keyRefusals: [SettingSource: String] = [
        .flag:
            "a key is not accepted here, where every user of the machine can read it in the process list; use signing_key_file",
        .file: "a key is not accepted here, in a file that gets copied, shown and committed; "
            + "put it in a file of its own and name that with signing_key_file",
    ]

    static let tokenRefusals: [SettingSource: String] = [
        .flag: "a token is not accepted here, where every user of the machine can read it in the process list; "
            + "use token_file or the environment variable HF_ACCESS_TOKEN",
        .file: "a token is not accepted here, in a file that gets copied, shown and committed; "
            + "put it in a file of its own and name that with token_file",
    ]
}
