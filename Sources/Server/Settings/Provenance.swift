/// Where a value came from, as an operator finds it.
enum Provenance: Equatable, Sendable {
    case preset
    case file(path: String, line: Int)
    case environment(variable: String)
    case flag(String)

    static let dotEnvPath = ".env"
}

extension Provenance: CustomStringConvertible {
    var description: String {
        switch self {
        case .preset: "default"
        case .file(let path, let line): "\(path.shown):\(line)"
        case .environment(let variable): "environment variable \(variable.shown)"
        case .flag(let flag): "flag \(flag.shown)"
        }
    }
}
