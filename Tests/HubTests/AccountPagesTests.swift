@testable import HTTP
@testable import Hub
import Testing

@Suite struct AccountPagesTests {
    private func operation(_ method: Method, _ path: String) throws -> HubOperation {
        HubOperation.find(method, try Target(path))
    }

    @Test(
        "A page of the account is read by who may see the account, and is no repository",
        arguments: [
            "/settings", "/settings/tokens", "/settings/tokens/abc/edit", "/settings/billing",
            "/settings/webhooks/settings",
            "/settings/tree/main", "/notifications", "/organizations/acme", "/organizations/acme/settings",
            "/organizations/new",
            "/webhooks/x", "/billing", "/new", "/new-space", "/chat/settings", "/settings/%74okens",
            "/settings/a?x=/tree",
        ])
    func pages(path: String) throws {
        for method in [Method.get, .head] {
            let page = try operation(method, path)
            #expect(page.sufficient == HubActions(.account) && page.resource == .none && page.row != nil, "\(path)")
        }
        for method in [Method.post, .put, .delete, Method(rawValue: "PATCH")] {
            let form = try operation(method, path)
            #expect(form.sufficient == HubActions(.other) && form.notes.contains(.notRelayed), "\(method) \(path)")
        }
        #expect(try operation(Method(rawValue: "COPY"), path).action == .other)
    }

    @Test(
        "A login is not relayed, whatever its method",
        arguments: [
            "/login", "/login/device", "/logout", "/join", "/oauth/authorize?client_id=x", "/sso/acme", "/saml/x",
        ])
    func logins(path: String) throws {
        for method in [Method.get, .head, .post] {
            let login = try operation(method, path)
            #expect(login.action == .other && login.notes.contains(.notRelayed), "\(method) \(path)")
        }
    }

    @Test(
        "Another spelling of such a page is nobody's name either",
        arguments: [
            "/Settings/tokens", "/SETTINGS", "/%73ettings/tokens", "/settin%67s", "//settings/tokens", "/settings/",
            "/settings//tokens", "/settings/../settings/tokens", "/./settings", "/settings;x=1/tokens",
            "/x/../settings",
            "/settings%2Ftokens", "/Organizations/acme/settings", "/Login", "/NEW", "/settings/tokens?_method=GET",
        ])
    func spellings(path: String) throws {
        #expect(try operation(.get, path).reading == .ambiguous)
    }

    @Test(
        "Owners and repositories with such a word in their names are what they were",
        arguments: [
            ("/settings-team", HubAction.search), ("/new-org/model", .read), ("/acme/settings", .read),
            ("/acme/login/resolve/main/x", .read), ("/datasets/acme/new", .read),
            ("/api/models/acme/notifications", .read),
            ("/api/models/settings", .read), ("/chatbot/x/tree/main", .read), ("/acme/x/tree/settings", .read),
            ("/acme/x/resolve/main/settings", .read), ("/acme", .search), ("/models", .search), ("/gpt2", .search),
            ("/gpt2/resolve/main/config.json", .read), ("/spaces/acme/chat", .read), ("/buckets/acme/jobs", .read),
            ("/api/organizations/acme/members", .search), ("/api/organizations/billing/overview", .search),
        ])
    func others(path: String, action: HubAction) throws {
        #expect(try operation(.get, path).sufficient == HubActions(action), "\(path)")
        #expect(try operation(.get, path).row != nil)
    }

    @Test("The settings of a repository are read by who may set them, as a page too")
    func repositorySettings() throws {
        for (path, kind) in [("/acme/x/settings", ResourceKind.model), ("/spaces/acme/x/settings/secrets", .space)] {
            let page = try operation(.get, path)
            #expect(page.action == .settings && page.resource == HubResource(kind: kind, owner: "acme", name: "x"))
        }
        #expect(try operation(.get, "/acme/x/tree/main").action == .read)
    }

    @Test(
        "What an organization's owners alone see is the account's",
        arguments: [
            "billing", "billing/usage", "audit-log", "audit-log/export", "resource-groups/5f", "tokens", "settings/x",
        ])
    func organizations(page: String) throws {
        let operation = try operation(.get, "/api/organizations/acme/\(page)")
        #expect(operation.action == .account && operation.resource == HubResource(namespace: "acme"))
    }
}
