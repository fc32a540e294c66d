import EventIO
import HTTP
import Hub

/// A repository that was deleted has another name until its time is over, and the Hub redirects there from the old one. Nobody is led there.
extension Upstream {
    func leadsToTrash(_ head: Transfer.Head) throws(Failure) -> Bool {
        guard head.headers.contains("Location"), let location = try head.location else { return false }
        return TrashName.isLedTo(by: location, at: base)
    }
}

extension Failure {
    /// The Hub's own words for what is not there.
    static var repositoryGone: Failure {
        .hubAnswered(HubRefusal(status: .notFound, code: "RepoNotFound", message: "Repository not found"))
    }
}
