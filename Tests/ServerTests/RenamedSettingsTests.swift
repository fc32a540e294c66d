@testable import Server
import Testing

@Suite struct RenamedSettingsTests {
    @Test(arguments: RenamedSettings.names.map { ($0.key, $0.value) })
    func `an old name is refused in each place with the new one, which is there`(old: String, new: String) throws {
        #expect(SettingsTable.all.contains { $0.name == new })
        #expect(!SettingsTable.all.contains { $0.name == old })
        let file = "\(old): 1s\n"
        let problems = SettingsReading(
            flags: Arguments(["--\(old.replacing("_", with: "-"))=1s"]).layer,
            environment: ["HUBGATE_\(old.uppercased())": "1s"],
            files: { $0 == "config/hubgate.yaml" ? .bytes(Array(file.utf8)) : .absent }
        ).problems.map(\.description)
        for spelled in [new, "--" + new.replacing("_", with: "-"), "HUBGATE_" + new.uppercased()] {
            #expect(problems.contains { $0.hasSuffix("(it is called \(spelled) now)") }, "\(problems)")
        }
    }
}
