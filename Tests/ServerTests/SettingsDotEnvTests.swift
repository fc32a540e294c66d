@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct SettingsDotEnvTests {
    @Test(
        "A line gives a name and a value",
        arguments: [
            ("A=b", "b"),
            ("  A = b  ", "b"),
            ("export A=b", "b"),
            ("export   A=b", "b"),
            ("A=", ""),
            ("A=b c", "b c"),
            ("A=b # comment", "b"),
            ("A=b#c", "b#c"),
            ("A=# comment", ""),
            ("A=b=c", "b=c"),
            ("A='b # c'", "b # c"),
            ("A='b\\n'", "b\\n"),
            ("A=\"b # c\" # comment", "b # c"),
            ("A=\"a\\\"b\\\\c\\nd\\$e\"", "a\"b\\c\nd$e"),
            ("A=\"$HOME\"", "$HOME"),
            ("A=${HOME}", "${HOME}"),
            ("A=\"\"", ""),
            ("A=b\r", "b"),
            ("\u{FEFF}A=b", "b"),
            ("A='\u{e9}'", "\u{e9}"),
        ])
    func lines(line: String, value: String) {
        let file = DotEnv(Array(line.utf8))
        #expect(file.faults.isEmpty)
        #expect(file.entries == [DotEnv.Entry(name: "A", value: value, line: 1)])
    }

    @Test("Blank lines and comments say nothing, and line ends may be Windows'")
    func blanks() {
        let file = DotEnv(Array("# A=1\r\n\r\n   \n  # x\nA=1\r\nexport=2\r\n".utf8))
        #expect(file.faults.isEmpty)
        #expect(file.entries.map(\.name) == ["A", "export"])
        #expect(file.entries.map(\.value) == ["1", "2"])
        #expect(file.entries.map(\.line) == [5, 6])
    }

    @Test(
        "A line that is wrong is reported by number, without what it says",
        arguments: [
            "SECRETVALUE", "A='SECRETVALUE", "A=\"SECRETVALUE", "A=\"SECRET\\VALUE\"", "A='SECRET'VALUE",
            "SECRET VALUE=1", "1=SECRETVALUE", "=SECRETVALUE",
        ])
    func faults(line: String) {
        let problems = SettingsCase(files: [".env": "A=1\n\(line)\nB=2\n"]).problems
        #expect(problems.count == 1)
        #expect(problems.first?.hasPrefix(".env:2: ") == true)
        #expect(problems.first?.contains("SECRET") == false)
    }

    @Test("A file that is not UTF-8 is refused")
    func encoding() {
        #expect(DotEnv([0x41, 0x3d, 0xff]).faults.map(\.line) == [1])
    }

    @Test("Names of other programs are left alone, and of two lines for a name the last counts")
    func foreign() throws {
        let settings = try SettingsCase(
            files: [".env": "POSTGRES_PASSWORD=x\nHF_HOME=/x\nHUBGATE_LISTEN=1\nHUBGATE_LISTEN=2\nHF_TOKEN='abc'\n"]
        ).settings()
        #expect(settings.listen[0].port == 2)
        #expect(settings.token?.reveal() == "abc")
    }

    @Test("The real environment wins, under any of a setting's names")
    func realEnvironment() throws {
        let settings = try SettingsCase(environment: ["HF_TOKEN": "real"], files: [".env": "HUBGATE_TOKEN=file"])
            .settings()
        #expect(settings.token?.reveal() == "real")
    }
}
