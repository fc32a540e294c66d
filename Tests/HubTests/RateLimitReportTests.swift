@testable import HTTP
@testable import Hub
import Testing

@Suite("What the Hub says of a budget")
struct RateLimitReportTests {
    private static let policy = #""fixed window";"api";q=500;w=300"#

    @Test("The Hub's own form is understood")
    func ofTheHub() {
        let headers: Headers = ["RateLimit": #""api";r=12;t=55"#, "RateLimit-Policy": Self.policy]
        #expect(
            RateLimitReport(headers)
                == RateLimitReport(bucket: .api, left: 12, seconds: 55, quota: 500, window: 300))
    }

    @Test(
        "Other ways to write the same are, too",
        arguments: [
            #""resolvers";r=3;t=9"#, #""resolvers"; r=3; t=9"#, "resolvers;r=3;t=9", #""resolvers";t=9;r=3;x"#,
            #""other";r=1;t=1, "resolvers";r=3;t=9"#, #""resolvers";r=3;pk=:aGk=:;t=9"#.replacing(":aGk=:", with: "a"),
            #""resolvers";r=3;t=9;x=1.5;y="z";z=*"#, "\t\"resolvers\";r=3;t=9 ",
        ])
    func spellings(field: String) {
        #expect(RateLimitReport(["RateLimit": field]) == RateLimitReport(bucket: .resolvers, left: 3, seconds: 9))
    }

    @Test(
        "What is malformed, or names nothing that is known, says nothing",
        arguments: [
            "", ";", #""api""#, #""api";r=5"#, #""api";t=5"#, #""api";r=;t=5"#, #""api";r=5;t=5,"#, #""api";r=5;t=5;"#,
            #""api";r=-1;t=5"#, #""api";r=5;t=-9223372036854775808"#, #""api";r=1234567890123456;t=5"#, #""api"#,
            #""api";r=5 ;t=5"#, #""pages2";r=5;t=5"#, #""api";r=1.;t=5"#, #""api";r=1.5;t=5"#, #""api";r="5";t=5"#,
            #""api";r=5;t=5 x"#, "\"a\u{7}pi\";r=5;t=5", #""api";r=0x5;t=5"#, #""api";R=5;T=5"#, #""\"#,
            String(repeating: "x, ", count: 9) + #""api";r=5;t=5"#,
            #""api";r=5;t=5"# + String(repeating: ";x", count: 20),
            #""api";r=5;t=5;x=""# + String(repeating: "y", count: 600) + "\"",
        ])
    func malformed(field: String) {
        #expect(RateLimitReport(["RateLimit": field]) == nil)
    }

    @Test("Absurd numbers are cut to what can be meant")
    func bounds() throws {
        let huge = try #require(
            RateLimitReport([
                "RateLimit": #""api";r=999999999999999;t=999999999999999"#,
                "RateLimit-Policy": #""fixed window";"api";q=999999999999999;w=999999999999999"#,
            ]))
        #expect(huge.left == 100_000_000 && huge.quota == 100_000_000)
        #expect(huge.seconds == 3600 && huge.window == 3600)
        let none = try #require(
            RateLimitReport(["RateLimit": #""api";r=7;t=0"#, "RateLimit-Policy": #""x";"api";q=0;w=0"#]))
        #expect(none == RateLimitReport(bucket: .api, left: 1, seconds: 0, quota: 1, window: 1))
        let more = try #require(
            RateLimitReport(["RateLimit": #""api";r=900;t=900"#, "RateLimit-Policy": Self.policy]))
        #expect(more.left == 500 && more.seconds == 300)
    }

    @Test("A policy of another bucket, or one that is malformed, is none")
    func policies() {
        for policy in [#""fixed window";"pages";q=5;w=6"#, #""fixed window";"api";q=50;w"#, "q=5;w=6", #""api" q=5"#] {
            let report = RateLimitReport(["RateLimit": #""api";r=7;t=8"#, "RateLimit-Policy": policy])
            #expect(report?.left == 7 && report?.window == nil, "\(policy)")
        }
    }

    @Test("Retry-After counts as whole seconds, and a date does not")
    func retryAfter() {
        #expect(RateLimitReport.retryAfter(["Retry-After": "7"]) == 7)
        #expect(RateLimitReport.retryAfter(["Retry-After": "99999999"]) == 3600)
        for value in ["-1", "Sun, 06 Nov 1994 08:49:37 GMT", "", "1e3", "99999999999999999999"] {
            #expect(RateLimitReport.retryAfter(["Retry-After": value]) == nil)
        }
    }

    @Test(
        "Paths are in the bucket that is likely",
        arguments: [
            ("/api/models/a/b", HubPathClass.api, HubBucket.api), ("/api/whoami-v2", .api, .api),
            ("/a/b/resolve/main/x", .resolve, .resolvers),
            ("/datasets/a/b/resolve/main/x?y=/api/", .resolve, .resolvers),
            ("/api/resolve-cache/models/a/b/c/x", .resolveCache, .resolvers), ("/a/b", .page, .pages),
            ("/a/b.git/info/refs?service=git-upload-pack", .git, .pages), ("/x?/resolve/", .page, .pages),
        ])
    func classes(path: String, wanted: HubPathClass, bucket: HubBucket) throws {
        let found = HubPathClass(try Target(path))
        #expect(found == wanted && found.likelyBucket == bucket)
    }
}
