@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct SettingsFileTests {
    private func problems(_ yaml: String) -> [String] {
        SettingsCase(files: ["config/hubgate.yaml": yaml]).problems
    }

    @Test(
        "A file without settings is a good file",
        arguments: [
            "", "\n", "# comment\n", "---\n", "---\n...\n", "{}", "listen:\n", "listen: ~\n", "listen: null\n",
            "listen: \"\"",
        ])
    func empty(yaml: String) throws {
        #expect(try SettingsCase(files: ["config/hubgate.yaml": yaml]).settings().listen[0].port == 8080)
    }

    @Test(
        "Scalars may be quoted as YAML quotes them",
        arguments: [
            "ca_file: /a b", "ca_file: '/a b'", "ca_file: \"/a b\"", "\"ca_file\": /a b # comment", "{ca_file: /a b}",
            "ca_file: \"\\x2fa b\"", "%YAML 1.1\n---\nca_file: /a b\n", "\u{FEFF}ca_file: /a b", "ca_file: /a b\r\n",
        ])
    func scalars(yaml: String) throws {
        #expect(try SettingsCase(files: ["config/hubgate.yaml": yaml]).settings().authorities == "/a b")
    }

    @Test("A quoted null is text")
    func quotedNull() throws {
        #expect(try SettingsCase(files: ["config/hubgate.yaml": "ca_file: '~'"]).settings().authorities == "~")
    }

    @Test(
        "What is no flat mapping of scalars and lists is refused with its line",
        arguments: [
            ("listen: 1\nupstream:\n  host: a\n", 3, "a nested mapping"),
            ("upstream: [a, b]", 1, "a list"),
            ("listen: [1, [2]]", 1, "a list"),
            ("[1, 2]: listen", 1, "a list"),
            ("listen: [::1]:8080", 1, "needs quotes"),
            ("- listen", 1, "a list"),
            ("\nlisten: &here 1", 2, "an anchor"),
            ("listen: *here", 1, "an alias"),
            ("&here listen: 1", 1, "an anchor"),
            ("--- &here\nlisten: 1", 1, "an anchor"),
            ("listen: !!str 1", 1, "a tag"),
            ("listen: 1\n---\naccess: open", 2, "a second document"),
            ("just text", 1, "`name: value` lines"),
            ("listen: \"a\\0b\"", 1, "a NUL character"),
            ("? {a: b}\n: c", 1, "a nested mapping"),
            ("listen: 1\n\tx: y", 2, ""),
            ("listen: \"open", 1, ""),
            ("listen: 1\n  more: 2", 2, "mapping values are not allowed"),
        ])
    func structure(yaml: String, line: Int, reason: String) {
        let problems = problems(yaml)
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("config/hubgate.yaml:\(line): ") == true, "\(problems)")
        #expect(problems.first?.contains(reason) == true || reason.isEmpty, "\(problems)")
    }

    @Test("Bytes that are not UTF-8 are refused")
    func encoding() throws {
        let result = Command.read(arguments: [], environment: [:]) { path in
            path == "config/hubgate.yaml" ? .bytes(Array("listen: ".utf8) + [0xff, 0xfe]) : .absent
        }
        let error = try #require(throws: SettingsError.self) { try result.get() }
        #expect(error.problems.count == 1)
    }

    @Test("A key that is there twice is refused with both lines")
    func duplicates() {
        #expect(
            problems("listen: 1\naccess: open\nlisten: 2\n")
                == ["config/hubgate.yaml:3: listen: was given before, on line 1"])
    }

    @Test("A token in the file is refused with what to do instead, and is not shown")
    func token() {
        let problems = problems("token: hf_verysecret\n")
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix("config/hubgate.yaml:1: token: ") == true)
        #expect(problems.first?.contains("token_file") == true)
        #expect(problems.first?.contains("verysecret") == false)
    }

    @Test("A file does not name another")
    func config() {
        #expect(problems("config: other.yaml").first?.contains("cannot name another") == true)
    }

    @Test("A file that cannot be read is an error, a default one too")
    func unreadable() throws {
        let result = Command.read(arguments: [], environment: [:]) { path in
            path == "config/hubgate.yaml" || path == ".env" ? .failed("Permission denied") : .absent
        }
        let error = try #require(throws: SettingsError.self) { try result.get() }
        #expect(
            error.description
                == """
                hubgate: .env: cannot be read: Permission denied
                hubgate: default: config: config/hubgate.yaml cannot be read: Permission denied

                """)
    }

    @Test("The real files are read, and what is absent or no file says so")
    func systemFiles() {
        #expect(SystemFiles.read("/nonexistent/hubgate.yaml") == .absent)
        #expect(SystemFiles.read("/dev/null") == .bytes([]))
        #expect(SystemFiles.read("/") == .failed("Is a directory"))
        #expect(SystemFiles.read("/dev/zero") == .failed("it is longer than 1048576 bytes"))
    }
}
