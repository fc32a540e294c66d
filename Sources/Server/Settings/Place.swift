/// Where a setting can be given, in the order in which they win: the later over the earlier.
enum Place: Int, Comparable, Sendable {
    case file, dotEnv, environment, flag

    static func < (left: Place, right: Place) -> Bool { left.rawValue < right.rawValue }
}
