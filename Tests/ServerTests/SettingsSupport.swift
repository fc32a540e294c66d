@testable import EventIO
@testable import HTTP
@testable import Hub
@testable import Server

/// Reads settings from a made-up command line, environment and set of files.
struct SettingsCase {
    var arguments: [String] = []
    var environment: [String: String] = [:]
    var files: [String: String] = [:]

    var result: Result<Command, SettingsError> {
        Command.read(
            arguments: arguments, environment: environment,
            files: { path in files[path].map { .bytes(Array($0.utf8)) } ?? .absent },
            directories: { path in
                let names = files.keys.filter { $0.hasPrefix(path + "/") }.map { String($0.dropFirst(path.count + 1)) }
                return names.isEmpty ? nil : names.sorted()
            })
    }

    /// The settings to serve with; throws what is wrong with them.
    func settings() throws -> Settings {
        switch try result.get() {
        case .serve(let settings), .check(let settings), .probe(let settings): settings
        case .print, .version: throw Unexpected()
        }
    }

    /// The text to print; throws what is wrong with the settings.
    func printed() throws -> String {
        guard case .print(let text) = try result.get() else { throw Unexpected() }
        return text
    }

    /// One line for each thing that is wrong.
    var problems: [String] {
        guard case .failure(let error) = result else { return [] }
        return error.problems.map(\.description)
    }

    struct Unexpected: Error {}
}

func setting(_ name: String) throws -> Setting {
    guard let setting = SettingsTable.all.first(where: { $0.name == name }) else { throw SettingsCase.Unexpected() }
    return setting
}
