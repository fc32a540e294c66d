@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct SettingsDocumentTests {
    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined() + "/"

    @Test("A file that is printed from the table is what the table prints", arguments: SettingsDocument.allCases)
    func drift(document: SettingsDocument) {
        let isCurrent = SystemFiles.read(Self.root + document.path) == .bytes(Array(document.text.utf8))
        #expect(isCurrent, "run: hubgate --print-docs \(document.rawValue) > \(document.path)")
    }

    @Test(
        "Every setting is in every document and in the help, but where it may not be given",
        arguments: SettingsTable.all)
    func complete(setting: Setting) {
        #expect(SettingsDocument.settings.text.contains("| `\(setting.name)` |"))
        #expect(SettingsDocument.env.text.contains("\n# \(setting.variable)="))
        #expect(SettingsDocument.sample.text.contains("\n# \(setting.name): ") == (setting.refusals[.file] == nil))
        let isInHelp = [" ", "["].contains { SettingsDocument.help.contains("\n  \(setting.flag)\($0)") }
        #expect(isInHelp == (setting.refusals[.flag] == nil))
        #expect(setting.meaning.hasSuffix("."))
    }

    @Test("The sample file with all its settings uncommented is a good file, equal to the defaults but for examples")
    func sample() throws {
        let names = SettingsTable.all.map { "# \($0.name): " }
        let lines = SettingsDocument.sample.text.split(separator: "\n").map(String.init)
        let settings = lines.filter { line in names.contains { line.hasPrefix($0) } }.map { line in
            // Some examples are of what takes keys.
            line == "# access: open" ? "access: keys" : String(line.dropFirst(2))
        }
        #expect(settings.count == SettingsTable.all.count - 4)
        let files = [
            "config/hubgate.yaml": settings.joined(separator: "\n"), "/run/secrets/hf_token": "abc",
            "/etc/hubgate/credentials/acme": "hf_a", "/etc/hubgate/signing.key": String(repeating: "k", count: 40),
            "/run/secrets/otlp_headers": "a=b", "/run/secrets/peer_secret": String(repeating: "p", count: 40),
        ]
        let given = SettingsCase(files: files)
        let different = try given.settings().reloaded(from: Settings()).needRestart
        #expect(
            different == [
                // With another access a token waits for the restart, too.
                "admin_listen", "access", "base_path", "public_url", "token", "token_file", "credentials_dir",
                "ca_file",
                "dns_server", "cache_dir", "sandbox_limits", "signing_key", "signing_key_file", "user",
                "otlp_endpoint", "otlp_headers", "otlp_headers_file",
            ])
    }

    @Test("SAMPLE_ENV with all its variables uncommented is a good .env")
    func sampleEnvironment() throws {
        let lines = SettingsDocument.env.text.split(separator: "\n")
        let variables = lines.filter { $0.contains("=") && ($0.hasPrefix("# HUBGATE_") || $0.hasPrefix("# HF_")) }.map {
            $0 == "# HUBGATE_ACCESS=open" ? "# HUBGATE_ACCESS=keys" : $0
        }
        let files = [
            ".env": variables.map { String($0.dropFirst(2)) }.joined(separator: "\n"),
            "/run/secrets/hf_token": "abc", "/etc/hubgate/credentials/acme": "hf_a", "/etc/hubgate/hubgate.yaml": "",
            "/etc/hubgate/signing.key": String(repeating: "k", count: 40), "/run/secrets/otlp_headers": "a=b",
            "/run/secrets/peer_secret": String(repeating: "p", count: 40),
        ]
        #expect(try SettingsCase(files: files).settings().listen[0].port == 8080)
    }

    @Test("The samples as they are change nothing")
    func samplesSayNothing() throws {
        let files = [".env": SettingsDocument.env.text, "config/hubgate.yaml": SettingsDocument.sample.text]
        let settings = try SettingsCase(files: files).settings()
        #expect(settings.differences(from: Settings()) == ["config"])
        #expect(DotEnv(Array(SettingsDocument.env.text.utf8)).entries.isEmpty)
    }

    @Test("--print-docs prints a document, whatever the settings are", arguments: SettingsDocument.allCases)
    func printing(document: SettingsDocument) throws {
        let given = SettingsCase(
            arguments: ["--print-docs", document.rawValue], environment: ["HUBGATE_LISTEN": "nowhere"])
        #expect(try given.printed() == document.text)
    }
}
