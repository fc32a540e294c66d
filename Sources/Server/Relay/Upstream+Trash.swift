import EventIO
import HTTP
import Hub

/// A deleted repository has another name until its time is over, and the Hub redirects there from the old one. No client is led there.
extension Upstream {
    func leadsToTrash(_ head: Transfer.Head) throws(Failure) -> Bool {
        guard head.headers.contains("Location"), let location = try head.location else { return false }
        return TrashName.isLedTo(by: location, at: base)
    }
}

extension Failure {
    /// The Hub's own words for a repository that does not exist.
    static var repositoryGone: Failure {
        .hubAnswered(HubRefusal(status: .notFound, code: "RepoNotFound", message: "Repository not found"))
    }
}
