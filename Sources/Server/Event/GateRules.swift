internal import CEvent

/// The rules by which the gate refuses requests. A rule's number is its place here, counted from 1; 0 is none.
enum GateRules {
    static let names: [String] = (1..<ce_rule_count()).map { unsafe String(cString: ce_rule_name($0)) }

    static let bodyTooSlow = (names.firstIndex(of: "body-too-slow") ?? -1) + 1
}
