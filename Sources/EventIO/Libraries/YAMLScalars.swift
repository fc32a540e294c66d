import CEvent

/// A YAML mapping of scalars, lists of them, and mappings of the same, read by libyaml. It is here because only this target imports CEvent.
package enum YAMLScalars {
    package struct Entry: Equatable, Sendable {
        package enum Kind: Sendable {
            case scalar, list
            /// The entries after it are below this path, which is a part of theirs.
            case mapping
        }

        /// The keys that lead to the value, from the outermost; never empty.
        package let path: [String]
        /// The value: one text for a scalar, one for each item of a list, none for a mapping.
        package fileprivate(set) var values: [String]
        package let line: Int
        package let kind: Kind

        /// The outermost key.
        package var key: String { path.first ?? "" }
        package var isNested: Bool { path.count > 1 }
        /// Items of a list are joined by commas.
        package var value: String { values.joined(separator: ",") }
    }

    package struct Fault: Error, Equatable {
        package let line: Int
        package let reason: String

        package init(line: Int, reason: String) {
            self.line = line
            self.reason = reason
        }
    }

    /// The entries in the file's order, repeated keys included.
    package static func read(_ text: [UInt8]) throws(Fault) -> [Entry] {
        let collector = Collector()
        var error = ce_error()
        var line: CInt = 0
        let isRead = unsafe text.withUnsafeBytes { bytes in
            withExtendedLifetime(collector) {
                let characters = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                let context = unsafe Unmanaged.passUnretained(collector).toOpaque()
                return unsafe ce_yaml_scalars(characters, bytes.count, collect, context, &error, &line)
            }
        }
        guard isRead else {
            throw Fault(
                line: Int(line),
                reason: beginsWithTab(text, line: Int(line))
                    ? "the line begins with a tab; use blanks" : CError(error).description)
        }
        return collector.entries
    }

    /// YAML 1.1 section 4.1 forbids it, and libyaml's message about it is hard to understand.
    private static func beginsWithTab(_ text: [UInt8], line: Int) -> Bool {
        let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        guard lines.indices.contains(line - 1) else { return false }
        return lines[line - 1].prefix { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }.contains(
            UInt8(ascii: "\t"))
    }

    private final class Collector {
        var entries: [Entry] = []

        func add(_ path: [String], _ value: String, line: Int, _ kind: ce_yaml_kind) {
            switch kind {
            case CE_YAML_LIST: entries.append(Entry(path: path, values: [], line: line, kind: .list))
            case CE_YAML_ITEM: entries[entries.count - 1].values.append(value)
            case CE_YAML_MAPPING: entries.append(Entry(path: path, values: [], line: line, kind: .mapping))
            default: entries.append(Entry(path: path, values: [value], line: line, kind: .scalar))
            }
        }
    }

    private static let collect: ce_yaml_entry = { context, keys, depth, value, line, kind in
        guard let keys = unsafe keys, let value = unsafe value else { return }
        let collector: Collector = unsafe unretained(context)
        let path = (0..<Int(depth)).compactMap { index in unsafe keys[index].map { unsafe String(cString: $0) } }
        unsafe collector.add(path, String(cString: value), line: Int(line), kind)
    }
}
