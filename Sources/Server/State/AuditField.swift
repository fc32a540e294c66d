/// THE fields that a record of the audit can have, besides those that the state process adds to each line (`AuditLine`). Their names
/// are stable: docs/audit.md says what each means. The numbers are used between processes of this program.
enum AuditField: UInt8, CaseIterable, Sendable {
    case requestID = 1, key, keyID, role, address, method, target, agent, action, resource, needs, decision, rule,
        newName, branch
    case status, outcome, code, bytesIn, bytesOut, files, milliseconds, hubRequestID
    case event, by, allow, deny, credential, expires, detail, count, intent, file, previousFile, sha256
    case rate, policy, issuer, subject

    enum Form: Sendable { case text, number, list }

    /// Its name in a line.
    var name: String {
        switch self {
        case .requestID: "request_id"
        case .keyID: "key_id"
        case .newName: "new_name"
        case .bytesIn: "bytes_in"
        case .bytesOut: "bytes_out"
        case .milliseconds: "ms"
        case .hubRequestID: "hub_request_id"
        case .previousFile: "previous_file"
        default: "\(self)"
        }
    }

    var form: Form {
        switch self {
        case .status, .bytesIn, .bytesOut, .files, .milliseconds, .count, .intent: .number
        case .needs, .allow, .deny: .list
        default: .text
        }
    }

    /// The most bytes of a text, or of each in a list.
    var longest: Int { self == .target || self == .detail ? 2048 : 256 }

    static let mostInList = 32
}
