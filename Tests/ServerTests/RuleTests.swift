@testable import HTTP
@testable import Hub
@testable import Server
import Testing

@Suite struct RuleTests {
    @Test(
        "A rule is read and written back",
        arguments: [
            ("read acme/*", "allow read acme/*"),
            ("write,create model:acme/team-a-*", "allow write,create model:acme/team-a-*"),
            ("deny delete *", "deny delete *"), ("  read \t acme/x  ", "allow read acme/x"),
            ("reader *", "allow read,search *"),
            ("read public", "allow read public"), ("all bucket:acme/*", "allow all bucket:acme/*"),
            ("infer meta-llama/Llama-3*:groq", "allow infer meta-llama/Llama-3*:groq"),
            ("read gpt2", "allow read gpt2"),
            ("create,write kernel:a/b", "allow write,create kernel:a/b"), ("admin acme/*", "allow all acme/*"),
            ("infer accounts/fireworks/models/*", "allow infer accounts/fireworks/models/*"),
        ])
    func reading(text: String, written: String) throws {
        let rule = try Rule(text)
        #expect(rule.description == written)
        #expect(try Rule(rule.description) == rule)
    }

    @Test(
        "What is no rule says why, and what to write",
        arguments: [
            ("", "it is empty"), ("deny", "it is empty"),
            ("read", "it has no pattern; write for what, as in \"read acme/*\""),
            ("raed acme/*", "there is no action \"raed\" (did you mean read?)"),
            ("read, write acme/*", "a comma without an action"),
            ("read acme/* other/*", "one rule for each pattern"),
            ("read modle:acme/*", "there is no kind \"modle\" (did you mean model?)"),
            ("read models:acme/*", "did you mean model?"), ("read model:", "a pattern is missing"),
            ("read acme/", "has an empty part"),
            ("read /acme", "has an empty part"), ("read acme/x/y", "has more than one slash"),
            ("read acme/[ab]", "is no pattern"),
            ("read acme/?", "is no pattern"), ("read **", "at most 8 stars"),
            ("read a*b*c*d*e*f*g*h*i*j", "at most 8 stars"),
            ("read acme/..", "a part of dots"), ("write public", "goes with read and search only"),
            ("deny read public", "cannot be denied"),
            ("read \u{0430}cme/*", "is no pattern"), ("read acme/%61", "is no pattern"),
            ("READ acme/*", "there is no action \"READ\""),
            ("read " + String(repeating: "a", count: 201), "at most 200 characters"),
            ("read " + String(repeating: "a", count: 600), "at most 512 characters"),
        ])
    func errors(text: String, reason: String) {
        let error = #expect(throws: RuleError.self) { try Rule(text) }
        #expect(error?.reason.contains(reason) == true, "\(String(describing: error))")
    }

    @Test("A glob fits as it should, and a hostile one costs no more than its length times the text's")
    func globs() {
        func fits(_ glob: String, _ text: String, _ caseless: Bool = false) -> Bool {
            Glob.matches(glob.utf8.span, text.utf8.span, isCaseless: caseless)
        }
        #expect(
            fits("*", "") && fits("*", "x") && fits("a*", "a") && fits("a*c", "abbc") && fits("*b*", "abc")
                && fits("", ""))
        #expect(!fits("a*c", "abcd") && !fits("", "a") && !fits("a", "") && !fits("a*b*c", "acb") && !fits("a", "A"))
        #expect(fits("acme", "AcMe", true) && !fits("acme", "acm\u{212A}", true))
        #expect(!fits("a*a*a*a*a*a*a*ab", String(repeating: "a", count: 4096)))
    }
}
