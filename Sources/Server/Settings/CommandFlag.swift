/// The flags that ask for something else than serving.
enum CommandFlag: String, CaseIterable, Sendable {
    case check = "--check"
    case printConfig = "--print-config"
    case printDocs = "--print-docs"
    case probe = "--probe"
    case version = "--version"
    case help = "--help"

    var meaning: String {
        switch self {
        case .check: "Reads the settings, says what is wrong with them, and ends."
        case .printConfig: "Prints each setting and where its value came from; tokens are hidden."
        case .printDocs: "Prints a file made from a table: settings, sample, env or metrics."
        case .probe: "Asks the gateway on this machine whether it is healthy, for container health checks."
        case .version: "Prints the version."
        case .help: "Prints this."
        }
    }

    var synopsis: String { self == .printDocs ? rawValue + " NAME" : rawValue }
}
