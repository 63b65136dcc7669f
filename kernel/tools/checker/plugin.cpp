// SPDX-License-Identifier: MPL-2.0
// checker.so: a clang plugin that checks the kernel's subset of C (kernel/SAFETY.md) inside the real
// compile, so that what is checked is exactly what is compiled.
//
// Arguments (-fplugin-arg-checker-X): core=DIR trusted tree, svc=DIR checked tree, dump=FILE layouts,
// mode=dump only layouts.
#include "clang/AST/ASTConsumer.h"
#include "clang/Frontend/FrontendPluginRegistry.h"
#include "rules.h"

using namespace clang;

namespace checker {
namespace {

class Consumer : public ASTConsumer {
	CompilerInstance &compiler;

public:
	explicit Consumer(CompilerInstance &c) : compiler(c) {}
	// Before the code generator sees them: an annotation on a field or a variable would be compiled into
	// an intrinsic call that keeps the variable in memory, which costs spans dearly.
	void HandleTagDeclDefinition(TagDecl *t) override
	{
		if (auto *r = dyn_cast<RecordDecl>(t))
			for (auto *f : r->fields())
				note_keep(f);
	}
	bool HandleTopLevelDecl(DeclGroupRef group) override
	{
		for (auto *d : group)
			if (auto *f = dyn_cast<FunctionDecl>(d); f && f->isThisDeclarationADefinition())
				notes_keep(f);
		return true;
	}
	void HandleTranslationUnit(ASTContext &context) override
	{
		if (!config.dump_only)
			rules_check(compiler, context);
		if (!config.dump_path.empty())
			dump_write(compiler, context);
	}
};

class Action : public PluginASTAction {
	std::unique_ptr<ASTConsumer> CreateASTConsumer(CompilerInstance &compiler, StringRef) override
	{
		if (!config.dump_only)
			preprocessor_rules_install(compiler);
		return std::make_unique<Consumer>(compiler);
	}
	bool ParseArgs(const CompilerInstance &, const std::vector<std::string> &arguments) override
	{
		for (auto &argument : arguments) {
			auto [key, value] = StringRef(argument).split('=');
			if (key == "dump")
				config.dump_path = value.str();
			else if (key == "mode")
				config.dump_only = value == "dump";
			else if (key == "core")
				config.trusted_trees.push_back(value.str() + "/");
			else if (key == "svc")
				config.checked_trees.push_back(value.str() + "/");
			else
				return false;
		}
		return true;
	}
	ActionType getActionType() override { return AddBeforeMainAction; }
};

} // namespace
} // namespace checker

static FrontendPluginRegistry::Add<checker::Action> registration("checker", "check the kernel's subset of C");
