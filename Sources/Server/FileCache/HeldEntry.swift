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
    /// Its name in git; of a file in a store that of its pointer.
    let oid: String
    let place: Place
    /// By what its content is in the cache; nil for a file of git that was not fetched, and for an empty one.
    var content: BlobName?

    /// As clients are told it.
    var etag: String { "\"\(place == .store ? content?.hex ?? oid : oid)\"" }
}
