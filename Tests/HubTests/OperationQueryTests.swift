@testable import HTTP
@testable import Hub
import Testing

/// Queries by which some server could take a request for another one than its path and method say.
@Suite struct OperationQueryTests {
    private static let commit = "/api/models/acme/x/commit/main"
    private static let refs = "/acme/x.git/info/refs"

    @Test(
        "A query that names another method for some reader makes the request ambiguous, and a change",
        arguments: [
            "_method=DELETE", "_METHOD=DELETE", "_Method=delete", "_method", "_method=", "%5Fmethod=DELETE",
            "%5fMETHOD=DELETE", "_metho%64=DELETE", "%5F%6D%65%74%68%6F%64=x", "%255Fmethod=DELETE", "%25255Fmethod=x",
            "a=1;_method=DELETE", "a;_method=DELETE", "a=1;%5Fmethod=DELETE", "a=1%3B_method=DELETE",
            "a=1%26_method=DELETE",
            "+_method=DELETE", "%20_method=DELETE", "%09_method=DELETE", "_method+=DELETE", "_method%20=DELETE",
            "_method%00=DELETE", "%0A_method=x", "[_method]=DELETE", "_method[]=DELETE", "_method%5B%5D=DELETE",
            "%5B_method%5D=DELETE", "a[_method]=DELETE", "a._method=DELETE", ".method=DELETE", "[method=DELETE",
            "%C1%9Fmethod=DELETE", "?_method=DELETE", "a=1&b=2&_method=DELETE&c=3", "&&_method=DELETE",
            "create_pr=1&%5Fmethod=DELETE",
        ])
    func otherMethod(query: String) throws {
        for (method, path) in [(Method.get, "/api/models/acme/x"), (.post, Self.commit), (.get, "/api/repos/delete")] {
            let operation = HubOperation.find(method, try Target("\(path)?\(query)"))
            #expect(operation.reading == .ambiguous && !operation.isSafe && operation.action == .other, "\(query)")
        }
        let inference = HubOperation.find(.get, try Target("/v1/models?\(query)"), at: .router)
        #expect(inference.reading == .ambiguous)
    }

    @Test(
        "What only looks like it is as it was",
        arguments: [
            "method=DELETE", "payment_method=x", "x_method=x", "_methods=x", "__method=x", "a=_method", "a=%5Fmethod",
            "search=a;b", "search=100%25", "a.method=x", "a[method]=x", "expand[]=private&expand[]=method", "limit=5",
            "author=acme&sort=downloads&direction=-1", "", "-_method=x",
        ])
    func plain(query: String) throws {
        let operation = HubOperation.find(.get, try Target("/api/models/acme/x?\(query)"))
        #expect(operation.row != nil && operation.isSafe && operation.action == .read, "\(query)")
    }

    @Test(
        "Only create_pr=1, once and plainly written, makes a commit a pull request",
        arguments: [
            "create_pr=1&create_pr=0", "create_pr=1&create%5Fpr=0", "create%5Fpr=1", "create_pr=1;create_pr=0",
            "create_pr=1&a=b;create_pr=0", "create_pr=1;x", "create_pr=1&create_pr[]=0", "create_pr=1&CREATE_PR=0",
            "create_pr=1&create_pr", "create_pr=1%00", "create_pr=1+", "create_pr=1&+create_pr=0",
            "create_pr=1&%20create_pr=0", "create_pr=1&a[create_pr]=0", "create_pr=1&[create_pr]=0",
            "create_pr=1&create_pr%20=0", "create_pr=1&create_pr.x=0", "create_pr=1&create%255Fpr=0", "create_pr=true",
            "Create_pr=1", "create_pr[]=1", "create-pr=1", "+create_pr=1",
        ])
    func pullRequests(query: String) throws {
        let operation = HubOperation.find(.post, try Target("\(Self.commit)?\(query)"))
        #expect(operation.sufficient == HubActions(.write), "\(query)")
        let plain = HubOperation.find(.post, try Target("\(Self.commit)?a=b&create_pr=1&c=d.e"))
        #expect(plain.sufficient.contains(.discuss))
    }

    @Test(
        "Only service=git-upload-pack, once and plainly written, reads",
        arguments: [
            "service=git-receive-pack", "service=git-upload-pack&service=git-receive-pack", "servic%65=git-upload-pack",
            "service=git-upload-pack&servic%65=git-receive-pack", "service=git-upload-pack;service=git-receive-pack",
            "service=git-upload-pack&+service=git-receive-pack", "service=git-upload-pack&[service]=git-receive-pack",
            "service=git-upload-pack&service[]=git-receive-pack", "service=git-upload-pack&SERVICE=git-receive-pack",
            "service=git-upload-pack&%C5%BFervice=git-receive-pack", "service=git%2Dupload-pack",
            "service=git-upload-pack+",
            "service=git-upload-pack%00", "Service=git-upload-pack", "a=1", "",
        ])
    func services(query: String) throws {
        #expect(
            HubOperation.find(.get, try Target("\(Self.refs)?\(query)")).sufficient == HubActions(.write), "\(query)")
        #expect(HubOperation.find(.get, try Target("\(Self.refs)?service=git-upload-pack")).action == .read)
    }

    /// A form may hold `_method`, and bodies that are not judged are not read. Where they are, only JSON is taken.
    @Test("A body that is not judged goes only where no other method does more than the one that is judged")
    func forms() {
        // A body of an operation that is not judged here could say another method; a judged one has to be JSON.
        for row in HubOperationsTable.all where row.methods.contains(.post) && row.body == nil && row.origin == .hub {
            let others = HubOperationsTable.all.filter {
                $0.path == row.path && $0.origin == .hub && !$0.methods.contains(.post) && $0.methods != [.get]
            }
            #expect(others.allSatisfy { $0.action == row.action }, "\(row.path)")
        }
    }
}
