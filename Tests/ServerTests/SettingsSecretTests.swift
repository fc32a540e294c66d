@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct SettingsSecretTests {
    private static let word = "hf_OpenSesame"

    private func secret(_ text: String = word) throws -> Secret {
        try Secret(text.utf8)
    }

    @Test("A secret prints as asterisks however it is printed, alone or inside the settings")
    func printing() throws {
        let secret = try secret()
        let optional: Secret? = secret
        var settings = Settings()
        settings.token = secret
        var dumped = ""
        dump(secret, to: &dumped)
        dump(optional, to: &dumped)
        dump(settings, to: &dumped)
        let texts = [
            String(describing: secret), String(reflecting: secret), "\(secret)", "\(String(describing: optional))",
            "\([secret])", "\(["k": secret])", String(describing: settings), String(reflecting: settings), dumped,
        ]
        for text in texts {
            #expect(text.contains(Secret.mask))
            #expect(!text.contains("Sesame"))
        }
        #expect(Mirror(reflecting: secret).children.isEmpty)
        #expect(!texts.joined().contains(String(describing: Array(Self.word.utf8))))
    }

    @Test("The settings in force show that there is a token and where it is from, not the token")
    func config() throws {
        let given = SettingsCase(
            arguments: ["--print-config"], environment: ["HF_TOKEN": Self.word],
            files: [".env": "HUBGATE_LISTEN=81", "config/hubgate.yaml": "\nlog_level: debug"])
        let text = try given.printed()
        let lines = text.split(separator: "\n").map(String.init)
        #expect(!text.contains("Sesame"))
        #expect(lines.contains { $0.hasPrefix("token ") && $0.hasSuffix("= *** (environment variable HF_TOKEN)") })
        #expect(lines.contains { $0.hasPrefix("listen ") && $0.hasSuffix("= 127.0.0.1:81 (.env:1)") })
        #expect(lines.contains { $0.hasPrefix("log_level ") && $0.hasSuffix("= debug (config/hubgate.yaml:2)") })
        #expect(lines.contains { $0.hasPrefix("ca_file ") && $0.hasSuffix("= not set (default)") })
        #expect(lines.count == SettingsTable.all.count)
    }

    @Test("A token file's token is hidden too, and is from where the file was named")
    func configFromFile() throws {
        let given = SettingsCase(arguments: ["--print-config", "--token-file=t"], files: ["t": Self.word + "\n"])
        let text = try given.printed()
        #expect(!text.contains("Sesame"))
        #expect(
            text.split(separator: "\n").contains { $0.hasPrefix("token ") && $0.hasSuffix("= *** (flag --token-file)") }
        )
    }

    @Test("A secret gives back its bytes to who asks for them")
    func reveal() throws {
        let secret = try secret()
        #expect(secret.reveal() == Self.word)
        #expect(secret.count == Self.word.utf8.count)
        #expect(secret.withBytes { $0.count } == Self.word.utf8.count)
    }

    @Test("Secrets are equal when all their bytes are")
    func equality() throws {
        #expect(try secret("abc") == secret("abc"))
        #expect(try secret("abc") != secret("abd"))
        #expect(try secret("abc") != secret("xbc"))
        #expect(try secret("abc") != secret("abcd"))
    }

    @Test(
        "What could end or split a header field is no secret, and the flaw does not repeat it",
        arguments: ["a b", "a\tb", "a\r\nX: y", "a\u{0}", "a\u{7f}", "a\u{e9}", " a", "a "])
    func unprintable(text: String) {
        #expect(throws: Secret.Flaw.self) { try secret(text) }
        let problems = SettingsCase(environment: ["HF_TOKEN": text]).problems
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("environment variable HF_TOKEN: token: \"***\"") == false)
        #expect(problems.first?.hasPrefix("environment variable HF_TOKEN: token: *** has a blank") == true)
    }

    @Test("Every other character of ASCII is allowed, up to the limit")
    func printable() throws {
        let all = String(decoding: Array(0x21...0x7e) as [UInt8], as: UTF8.self)
        #expect(try secret(all).reveal() == all)
        #expect(throws: Never.self) { try secret(String(repeating: "a", count: Secret.longest)) }
        #expect(throws: Secret.Flaw.tooLong) { try secret(String(repeating: "a", count: Secret.longest + 1)) }
        #expect(throws: Secret.Flaw.empty) { try secret("") }
    }
}
