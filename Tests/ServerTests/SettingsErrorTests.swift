@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct SettingsErrorTests {
    @Test(
        "An unknown name is an error that says which one was probably meant",
        arguments: [
            (SettingsCase(arguments: ["--lisen=1"]), "flag --lisen: there is no such flag (did you mean --listen?)"),
            (
                SettingsCase(arguments: ["--tls_cert", "a"]),
                "flag --tls_cert: there is no such flag (did you mean --tls-cert?)"
            ),
            (SettingsCase(arguments: ["--chekc"]), "flag --chekc: there is no such flag (did you mean --check?)"),
            (SettingsCase(arguments: ["--zzzzzz"]), "flag --zzzzzz: there is no such flag"),
            (
                SettingsCase(environment: ["HUBGATE_LISTN": "1"]),
                "environment variable HUBGATE_LISTN: there is no setting HUBGATE_LISTN (did you mean HUBGATE_LISTEN?)"
            ),
            (
                SettingsCase(environment: ["HUBGATE_ZZZZZZ": ""]),
                "environment variable HUBGATE_ZZZZZZ: there is no setting HUBGATE_ZZZZZZ"
            ),
            (
                SettingsCase(files: [".env": "\nHUBGATE_ACESS=open"]),
                ".env:2: there is no setting HUBGATE_ACESS (did you mean HUBGATE_ACCESS?)"
            ),
            (
                SettingsCase(files: ["config/hubgate.yaml": "tls-key: a"]),
                "config/hubgate.yaml:1: there is no setting tls-key (did you mean tls_key?)"
            ),
        ])
    func suggestions(given: SettingsCase, problem: String) {
        #expect(given.problems == [problem])
    }

    @Test("What Kubernetes says about a service called hubgate is no setting")
    func serviceLinks() throws {
        let environment = [
            "HUBGATE_SERVICE_HOST": "10.0.0.1", "HUBGATE_SERVICE_PORT": "443", "HUBGATE_SERVICE_PORT_HTTPS": "443",
            "HUBGATE_PORT": "tcp://10.0.0.1:443", "HUBGATE_PORT_443_TCP": "tcp://10.0.0.1:443",
            "HUBGATE_PORT_443_TCP_ADDR": "10.0.0.1",
        ]
        #expect(try SettingsCase(environment: environment).settings().listen[0].port == 8080)
        #expect(SettingsCase(environment: ["HUBGATE_PORT": "443"]).problems.count == 1)
    }

    @Test("All that is wrong is said at once, one line each")
    func collected() throws {
        let given = SettingsCase(
            arguments: ["--lisen=1", "--log-level", "loud"],
            environment: ["HUBGATE_BODY_LIMIT": "1MB"],
            files: [".env": "oops", "config/hubgate.yaml": "connect_timeout: 5\nbogus: 1\n"])
        let error = try #require(throws: SettingsError.self) { try given.result.get() }
        #expect(
            error.description
                == """
                hubgate: flag --lisen: there is no such flag (did you mean --listen?)
                hubgate: .env:1: there is no = on this line
                hubgate: config/hubgate.yaml:2: there is no setting bogus
                hubgate: config/hubgate.yaml:1: connect_timeout: "5" has no unit; accepted: a whole number with its \
                unit (ms, s, m or h), from 1ms to 1h
                hubgate: environment variable HUBGATE_BODY_LIMIT: body_limit: "1MB" has an unknown unit; accepted: a \
                whole number with its unit (B, KiB, MiB or GiB), from 1KiB to 64MiB
                hubgate: flag --log-level: log_level: "loud" is not understood; accepted: debug, info, notice, warning \
                or error

                """)
    }

    @Test("A flag without its value is an error", arguments: [["--listen"], ["--listen", "--sandbox"]])
    func missingValue(arguments: [String]) {
        let problems = SettingsCase(arguments: arguments).problems
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("flag --listen: the value is missing; accepted: ") == true)
    }

    @Test(
        "A token by flag is refused with what to use", arguments: [["--token=hf_x"], ["--token", "hf_x"], ["--token"]])
    func tokenFlag(arguments: [String]) {
        let problems = SettingsCase(arguments: arguments).problems
        #expect(problems.count == 1)
        #expect(problems.first?.contains("process list") == true)
        #expect(problems.first?.contains("HF_ACCESS_TOKEN") == true)
    }

    @Test(
        "No error shows what may be a credential",
        arguments: [
            SettingsCase(arguments: ["--token", "hf_SesameSesameSesame"]),
            SettingsCase(arguments: ["--token=hf_SesameSesameSesame"]),
            SettingsCase(arguments: ["--tokn", "Sesame"]),
            SettingsCase(arguments: ["Sesame"]),
            SettingsCase(arguments: ["-tSesame"]),
            SettingsCase(arguments: ["--token-file", "hf_SesameSesameSesame"]),
            SettingsCase(arguments: ["--listen", "hf_SesameSesameSesame"]),
            SettingsCase(arguments: ["--hf_SesameSesameSesame"]),
            SettingsCase(arguments: ["--upstream", "https://u:Sesame@hub"]),
            SettingsCase(environment: ["HF_TOKEN": "Sesame open"]),
            SettingsCase(environment: ["HUBGATE_LOG_LEVEL": "hf_SesameSesameSesame"]),
            SettingsCase(environment: ["HF_ENDPOINT": "http://u:Sesame@127.0.0.1"]),
            SettingsCase(files: [".env": "HF_TOKEN Sesame"]),
            SettingsCase(files: [".env": "HF_TOKEN='Sesame"]),
            SettingsCase(files: ["config/hubgate.yaml": "token: Sesame"]),
            SettingsCase(files: ["config/hubgate.yaml": "hf_SesameSesameSesame: 1"]),
            SettingsCase(arguments: ["--token-file=t"], files: ["t": "Sesame open"]),
        ])
    func credentials(given: SettingsCase) {
        #expect(given.problems.count == 1)
        #expect(!given.problems.joined().contains("Sesame"))
    }

    @Test(
        "Names that begin as tokens do are shown, and tokens and passwords are not",
        arguments: [
            ("/etc/hubgate/hf_token", "/etc/hubgate/hf_token"),
            ("hf_tokens_of_the_whole_team", "hf_tokens_of_the_whole_team"),
            ("hg_key.pem", "hg_key.pem"), ("/home/a@b/x", "/home/a@b/x"), ("acme/x@main", "acme/x@main"),
            ("hf_123456789012345", "hf_123456789012345"), ("hf_1234567890123456", "***"),
            ("/x/hf_1234567890123456/y z", "/x/***"),
            ("hf_oauth_eyJhbGciOiJFZERTQSIsInR5cCI6Ik", "***"), ("api_org_1234567890123456", "***"),
            ("hg_0123456789_abcdefghijklmnopqrstuvwxyz", "***"), ("https://u:p@h/x", "https://***@h/x"),
            ("https://u:p@q@h", "https://***@h"), ("https://u@h", "https://***@h"), ("u:p@h", "***@h"),
            ("https://h:1/x", "https://h:1/x"),
        ])
    func masked(text: String, shown: String) {
        #expect(text.shown == shown)
    }

    @Test("A value cannot forge a line, nor fill the screen")
    func oneLine() {
        let text = "a\u{1b}[2J\nhubgate: fine\u{2028}\u{202e}" + String(repeating: "x", count: 500)
        #expect(text.shown.utf8.count < 200)
        #expect(text.shown.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control })
    }

    @Test("Commands other than help and version exclude each other")
    func commands() throws {
        #expect(
            SettingsCase(arguments: ["--check", "--print-config"]).problems == [
                "--check and --print-config exclude each other"
            ])
        #expect(SettingsCase(arguments: ["--check=1"]).problems == ["flag --check: takes no value"])
        #expect(SettingsCase(arguments: ["--print-docs", "novel"]).problems.count == 1)
        #expect(try SettingsCase(arguments: ["--bogus", "--check", "--help"]).printed().hasPrefix("Usage: hubgate"))
        #expect(try SettingsCase(arguments: ["-h"]).printed().hasPrefix("Usage: hubgate"))
        guard case .version = try SettingsCase(arguments: ["--version"]).result.get() else {
            Issue.record("version is not the command")
            return
        }
        guard case .check = try SettingsCase(arguments: ["--check"]).result.get() else {
            Issue.record("check is not the command")
            return
        }
    }

    @Test(
        "The distance of two names counts letters inserted, removed, replaced and swapped",
        arguments: [
            ("", "", 0), ("a", "", 1), ("listen", "lisetn", 1), ("listen", "lsten", 1), ("abc", "xyz", 3),
            ("ca", "abc", 3),
        ])
    func distance(first: String, second: String, distance: Int) {
        #expect(Suggestion.distance(first, second) == distance)
        #expect(Suggestion.distance(second, first) == distance)
    }
}
