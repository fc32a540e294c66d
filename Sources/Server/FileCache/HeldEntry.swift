/// A file or a folder of a commit.
struct HeldEntry: Equatable, Sendable {
    enum Place: UInt8, Sendable {
        case folder
        /// In git itself.
        case git
        /// In a store, by its SHA-256 (Git LFS, Xet).
        case store
        /// Named as one in a store is, and not fetched from there: what the cache has by that name may be another repository's alone.
        case pointer
    }

    let path: String
    /// Of the content, in bytes.
    let size: Int
    /// Its name in git; for a file in a store, the name of its pointer.
    let oid: String
    let place: Place
    /// The SHA-256 of its content, where that is known; of a file of git where it was fetched.
    let named: BlobName?

    init(path: String, size: Int, oid: String, place: Place, content: BlobName? = nil) {
        (self.path, self.size, self.oid, self.place, self.named) = (path, size, oid, place, content)
    }

    /// By what its content is in the cache; nil for one that was not fetched for this repository, and for an empty one.
    var content: BlobName? { place == .pointer ? nil : named }

    var isInStore: Bool { place == .store || place == .pointer }

    /// As clients are told it.
    var etag: String { "\"\(isInStore ? named?.hex ?? oid : oid)\"" }
}
