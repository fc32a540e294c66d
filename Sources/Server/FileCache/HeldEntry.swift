/// A file or a folder of a commit.
struct HeldEntry: Equatable, Sendable {
    enum Place: UInt8, Sendable {
        case folder
        /// In git itself.
        case git
        /// In a store, by its SHA-256 (Git LFS, Xet).
        case store
    }

    let path: String
    /// Of the content, in bytes.
    let size: Int
    /// Its name in git; for a file in a store, the name of its pointer.
    let oid: String
    let place: Place
    /// The name of its content in the cache; nil for a file in git that was not fetched, and for an empty one.
    var content: BlobName?

    /// The entity tag as clients see it.
    var etag: String { "\"\(place == .store ? content?.hex ?? oid : oid)\"" }
}
