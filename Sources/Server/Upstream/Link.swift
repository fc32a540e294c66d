/// One link of a `Link` field (RFC 8288 section 3).
struct Link: Sendable, Equatable {
    /// What stands before `<`: white space. All of it, if there is no target.
    private let lead: String
    private let hasTarget: Bool
    /// What stands in angle brackets.
    let target: String
    /// What follows them, as it came.
    private let parameters: String

    /// The links of one field's value, in order. What is not a link is one without a target, and stays as it is.
    static func list(_ value: String) -> [Link] {
        var links: [Link] = []
        var current = ""
        var (isInTarget, isQuoted, isEscaped) = (false, false, false)
        for character in value {
            if character == ",", !isInTarget, !isQuoted {
                links.append(Link(current))
                current = ""
                continue
            }
            current.append(character)
            switch character {
            case _ where isEscaped: isEscaped = false
            case "\\" where isQuoted: isEscaped = true
            case "\"" where !isInTarget: isQuoted.toggle()
            case "<" where !isQuoted: isInTarget = true
            case ">": isInTarget = false
            default: break
            }
        }
        return links + [Link(current)]
    }

    private init(_ text: String) {
        guard let open = text.firstIndex(of: "<"), let close = text[open...].firstIndex(of: ">") else {
            (lead, hasTarget, target, parameters) = (text, false, "", "")
            return
        }
        lead = String(text[..<open])
        hasTarget = true
        target = String(text[text.index(after: open)..<close])
        parameters = String(text[text.index(after: close)...])
    }

    /// What `rel` says, in lower case.
    var relations: [String] {
        for parameter in parameters.split(separator: ";") {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, parts[0].filter({ $0 != " " && $0 != "\t" }).lowercased() == "rel" else { continue }
            return parts[1].filter { $0 != "\"" }.lowercased().split { $0 == " " || $0 == "\t" }.map(String.init)
        }
        return []
    }

    /// The link as it came, with another target.
    func text(target: String) -> String {
        hasTarget ? "\(lead)<\(target)>\(parameters)" : lead
    }
}
