@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct SettingsPrecedenceTests {
    /// From the weakest place to the strongest.
    private static let places: [SettingsCase] = [
        SettingsCase(files: ["config/hubgate.yaml": "# a\nlog_level: debug\n"]),
        SettingsCase(files: [".env": "\nHUBGATE_LOG_LEVEL=notice\n"]),
        SettingsCase(environment: ["HUBGATE_LOG_LEVEL": "warning"]),
        SettingsCase(arguments: ["--log-level", "error"]),
    ]

    @Test(
        "A stronger place wins over all weaker ones, and says so",
        arguments: [
            (0, "info", "default"),
            (1, "debug", "config/hubgate.yaml:2"),
            (2, "notice", ".env:2"),
            (3, "warning", "environment variable HUBGATE_LOG_LEVEL"),
            (4, "error", "flag --log-level"),
        ])
    func precedence(count: Int, level: String, provenance: String) throws {
        let all = Self.places.prefix(count).reduce(into: SettingsCase()) { all, place in
            all.arguments += place.arguments
            all.environment.merge(place.environment) { $1 }
            all.files.merge(place.files) { $1 }
        }
        #expect(try all.settings().logLevel.rawValue == level)
        var printing = all
        printing.arguments.append("--print-config")
        let line = try printing.printed().split(separator: "\n").first { $0.hasPrefix("log_level ") }
        #expect(line?.hasSuffix("= \(level) (\(provenance))") == true)
    }

    @Test("A value that loses is not looked at, so that HF_ENDPOINT may be there for other programs")
    func losersAreIgnored() throws {
        let settings = try SettingsCase(
            arguments: ["--listen", "81"],
            environment: [
                "HF_ENDPOINT": "not a url", "HUBGATE_UPSTREAM": "https://hub.internal", "HUBGATE_LISTEN": "x",
            ]
        ).settings()
        #expect(settings.upstream.host == "hub.internal")
        #expect(settings.listen[0].port == 81)
    }

    @Test(
        "The token comes from the first of its variables that is not empty",
        arguments: [
            (["HF_TOKEN": "a"], "a"),
            (["HF_TOKEN": "a", "HF_ACCESS_TOKEN": "b"], "b"),
            (["HF_TOKEN": "a", "HF_ACCESS_TOKEN": "b", "HUBGATE_TOKEN": "c"], "c"),
            (["HF_TOKEN": "a", "HF_ACCESS_TOKEN": "", "HUBGATE_TOKEN": ""], "a"),
            (["HF_TOKEN": ""], nil),
        ] as [([String: String], String?)])
    func tokenVariables(environment: [String: String], token: String?) throws {
        #expect(try SettingsCase(environment: environment).settings().token?.reveal() == token)
    }

    @Test("HF_ENDPOINT gives the upstream")
    func endpoint() throws {
        let settings = try SettingsCase(environment: ["HF_ENDPOINT": "https://hub.internal/hf"]).settings()
        #expect(settings.upstream.description == "https://hub.internal/hf")
    }

    @Test("Of two flags the last counts, unless the setting is a list")
    func lastFlag() throws {
        let arguments = ["--field-limit=1", "--field-limit", "2"]
        #expect(try SettingsCase(arguments: arguments).settings().fieldLimit == 2)
    }

    @Test(
        "An on/off flag alone means on, and takes its value behind = only",
        arguments: [(["--sandbox"], true), (["--sandbox=off"], false), (["--sandbox", "--access-log=off"], true)])
    func switches(arguments: [String], isOn: Bool) throws {
        #expect(try SettingsCase(arguments: arguments).settings().sandbox == isOn)
    }

    @Test("The first default file that is there is read, and a named one instead of both")
    func files() throws {
        var files = ["/etc/hubgate/hubgate.yaml": "listen: 2"]
        #expect(try SettingsCase(files: files).settings().listen[0].port == 2)
        files["config/hubgate.yaml"] = "listen: 1"
        #expect(try SettingsCase(files: files).settings().listen[0].port == 1)
        files["named.yaml"] = "listen: 3"
        files["other.yaml"] = "listen: 4"
        let variable = ["HUBGATE_CONFIG": "named.yaml"]
        #expect(try SettingsCase(environment: variable, files: files).settings().listen[0].port == 3)
        let flag = try SettingsCase(arguments: ["--config", "other.yaml"], environment: variable, files: files)
            .settings()
        #expect(flag.listen[0].port == 4)
        #expect(flag.config == "other.yaml")
        files[".env"] = "HUBGATE_CONFIG=other.yaml"
        #expect(try SettingsCase(files: files).settings().listen[0].port == 4)
    }

    @Test("A named file that is not there is an error at the place that named it")
    func missingFile() {
        #expect(
            SettingsCase(environment: ["HUBGATE_CONFIG": "gone.yaml"]).problems
                == ["environment variable HUBGATE_CONFIG: config: there is no file gone.yaml"])
    }
}
