/// How log lines are written.
enum LogForm: Sendable {
    case text
    case json

    /// `auto` is text for a person at a terminal and JSON for everything else.
    init(_ format: LogFormat, isTerminal: Bool) {
        self =
            switch format {
            case .text: .text
            case .json: .json
            case .auto: isTerminal ? .text : .json
            }
    }
}
