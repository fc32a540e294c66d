import Foundation
@testable import HTTP
@testable import Hub
import Testing

/// Tests/corpus: requests.tsv, and the columns of any table there; the README beside it has the format.
enum Corpus {
    struct Line: CustomTestStringConvertible {
        var id: String
        var outcome: String
        var rule: String
        var targets: String
        var raw: [UInt8]

        var testDescription: String { id }
    }

    static func lines() throws -> [Line] {
        try rows(of: "requests.tsv", columns: 6).map(line)
    }

    static func rows(of table: String, columns: Int) throws -> [[Substring]] {
        try lines(of: table).map { line in
            let row = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard row.count == columns else { throw Malformed(line: String(line)) }
            return row
        }
    }

    /// Those of a file in Tests/corpus, without its comments.
    static func lines(of name: String) throws -> [Substring] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: folder.appending(path: "corpus/\(name)"), encoding: .utf8)
        return text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    }

    struct Malformed: Error {
        var line: String
    }

    private static func line(_ columns: [Substring]) throws -> Line {
        try Line(
            id: String(columns[0]), outcome: String(columns[1]), rule: String(columns[2]),
            targets: String(decoding: unescape(columns[4]), as: UTF8.self), raw: unescape(columns[5]))
    }

    static func unescape(_ text: Substring) throws -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text
        while let character = rest.popFirst() {
            guard character == "\\" else {
                bytes += Array(String(character).utf8)
                continue
            }
            bytes += try escape(&rest)
        }
        return bytes
    }

    private static let plain: [Character: UInt8] = ["r": 13, "n": 10, "t": 9, "0": 0, "\\": 92]

    private static func escape(_ rest: inout Substring) throws -> [UInt8] {
        let whole = rest
        guard let kind = rest.popFirst() else { throw Malformed(line: String(whole)) }
        if let byte = plain[kind] { return [byte] }
        if kind == "x", let byte = UInt8(rest.prefix(2), radix: 16) {
            rest = rest.dropFirst(2)
            return [byte]
        }
        if kind == "{", let end = rest.firstIndex(of: "}"), let star = rest.firstIndex(of: "*"), star < end,
            let count = Int(rest[..<star])
        {
            let once = try unescape(rest[rest.index(after: star)..<end])
            rest = rest[rest.index(after: end)...]
            return Array(repeatElement(once, count: count).joined())
        }
        throw Malformed(line: String(whole))
    }
}
