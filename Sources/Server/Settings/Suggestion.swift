/// The known name that an unknown one was probably meant to be.
enum Suggestion {
    /// ` (did you mean X?)`, or nothing when no name is near. `prefix` begins all names, and does not count.
    static func text(for name: String, among known: [String], prefix: String = "") -> String {
        nearest(to: name, among: known, prefix: prefix).map { " (did you mean \($0)?)" } ?? ""
    }

    /// Nil where none is near.
    static func nearest(to name: String, among known: [String], prefix: String = "") -> String? {
        let stem = String(name.dropFirst(prefix.count))
        let allowed = max(1, min(3, stem.utf8.count / 3))
        let ranked = known.map { (name: $0, distance: distance(stem, String($0.dropFirst(prefix.count)))) }
            .filter { $0.distance <= allowed }
        return ranked.min(by: { $0.distance < $1.distance })?.name
    }

    /// The least number of letters to insert, remove, replace or swap with their neighbour.
    static func distance(_ first: String, _ second: String) -> Int {
        // Long names are near to none, and the table below grows with both.
        guard first.utf8.count <= 64, second.utf8.count <= 64 else { return .max }
        let first = Array(first.utf8)
        let second = Array(second.utf8)
        var beforeLast: [Int] = []
        var last = Array(0...second.count)
        for row in first.indices {
            var current = [row + 1]
            for column in second.indices {
                let isSame = first[row] == second[column]
                var best = min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[second.count]
    }
}
