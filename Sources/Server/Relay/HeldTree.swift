import HTTP
import Hub

/// The Hub's API for paths, answered from a pulled revision.
struct HeldTree {
    let revision: HeldRevision

    static let largestPage = 1000

    /// One page of the content of `folder`, by path, after `cursor`; and the path after which the next page begins, if there is one. Nil: there is no such
    /// folder.
    func page(
        of folder: String, isRecursive: Bool, after cursor: String?, limit: Int
    ) -> (entries: [JSON], next: String?)? {
        guard folder.isEmpty || revision[folder]?.place == .folder else { return nil }
        let prefix = folder.isEmpty ? "" : folder + "/"
        var index = revision.index(of: prefix)
        if let cursor, !cursor.utf8.lexicographicallyPrecedes(prefix.utf8) {
            index = revision.index(of: cursor)
            if index < revision.entries.count, revision.entries.path(at: index).utf8.elementsEqual(cursor.utf8) {
                index += 1
            }
        }
        var (found, last): ([JSON], String?) = ([], nil)
        while index < revision.entries.count, revision.entries.path(at: index).utf8.starts(with: prefix.utf8) {
            let entry = revision.entries[index]
            let name = entry.path.utf8.dropFirst(prefix.utf8.count).prefix { $0 != UInt8(ascii: "/") }
            guard isRecursive || name.endIndex == entry.path.utf8.endIndex else {
                // Skips the content of a subfolder at once: `0` is the byte after the slash.
                index = revision.index(of: prefix + String(Substring(name)) + "0")
                continue
            }
            index += 1
            if found.count == limit { return (found, last) }
            found.append(entry.json)
            last = entry.path
        }
        return (found, nil)
    }

    /// The entries at those paths that exist.
    func entries(at paths: [String]) -> [JSON] { paths.compactMap { revision[$0]?.json } }

    /// The paths in the body of `paths-info`: a form (Python) or JSON (JavaScript). Throws `badRequest`.
    static func paths(in body: [UInt8], mediaType: String?) throws(Failure) -> [String] {
        let found: [String]
        if mediaType == "application/x-www-form-urlencoded" {
            found = body.split(separator: UInt8(ascii: "&")).compactMap { pair in
                guard pair.starts(with: "paths=".utf8) else { return nil }
                return PercentEncoding.decode(
                    pair.dropFirst(6).map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 })
            }
        } else {
            let json = try JSON.parse(body, within: JSONLimits(bytes: 1 << 20, depth: 4, values: 4096, string: 4096))
            guard case .array(let paths)? = json["paths"] else {
                throw .badField("paths", "must be a list of paths")
            }
            found = paths.compactMap(\.stringValue)
        }
        guard found.count <= largestPage else { throw .badField("paths", "must have at most \(largestPage) paths") }
        return found
    }
}

extension HeldEntry {
    fileprivate var json: JSON {
        var members: [String: JSON] = [
            "type": place == .folder ? "directory" : "file", "path": .string(path), "oid": .string(oid),
            "size": .integer(Int64(size)),
        ]
        if isInStore, let content = named {
            members["lfs"] = [
                "oid": .string(content.hex), "size": .integer(Int64(size)),
                "pointerSize": .integer(Int64(GitNames.pointer(content, size: size).count)),
            ]
        }
        return .object(members)
    }
}
