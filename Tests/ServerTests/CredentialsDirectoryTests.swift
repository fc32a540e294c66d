@testable import HTTP
@testable import Hub
@testable import Server
import Testing

struct CredentialsDirectoryTests {
    private static let path = "/c"

    private func given(_ files: [String: String]) -> SettingsCase {
        SettingsCase(arguments: ["--credentials-dir", Self.path], files: files)
    }

    @Test("Each file is a credential, by its name, without the line end that an editor leaves")
    func read() throws {
        let found = try given(["/c/acme": "hf_a\n", "/c/team-b.1": "hf_b"]).settings().credentials
        #expect(found?.tokens.keys.sorted() == ["acme", "team-b.1"])
        #expect(found?.tokens["acme"]?.reveal() == "hf_a" && found?.tokens["team-b.1"]?.reveal() == "hf_b")
    }

    @Test(
        "A directory that is not there, and a file that holds no token, are errors that say which and not what is in it"
    )
    func refused() {
        #expect(given([:]).problems.first?.contains("no directory") == true)
        for (name, content) in [
            ("a", ""), ("a", "hf_a b"), ("a b", "hf_a"), ("-x", "hf_a"), (String(repeating: "x", count: 65), "hf_a"),
        ] {
            let problems = given(["/c/" + name: content]).problems
            #expect(problems.count == 1 && problems[0].contains("credentials_dir"), "\(name)")
            #expect(!problems.joined().contains("hf_a"))
        }
    }

    @Test("A reload takes up a file that is new, and says nothing of what is in it")
    func reload() throws {
        let old = try given(["/c/a": "hf_a"]).settings()
        let new = try given(["/c/a": "hf_a", "/c/b": "hf_b"]).settings()
        let (settings, needRestart) = old.reloaded(from: new)
        #expect(settings.credentials?.tokens.count == 2 && needRestart.isEmpty)
        #expect(old.differences(from: new) == ["credentials_dir"])
        #expect(try old.differences(from: given(["/c/a": "hf_a"]).settings()).isEmpty)
    }
}
