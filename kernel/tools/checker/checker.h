// SPDX-License-Identifier: MPL-2.0
// What the checker's parts share: whose text a construct is, and how a finding is reported.
//
// The principle: a construct is judged by the file in which its token was *typed*. Text typed in the
// core's public headers (and lib's) is trusted, wherever a macro puts it; text typed anywhere else is
// not, even as an argument of a core macro. So the tricks that services can use are those that the
// headers define, and no list of exceptions exists.
#pragma once
#include "clang/AST/ASTContext.h"
#include "clang/Frontend/CompilerInstance.h"
#include <string>
#include <vector>

namespace checker {

struct Config {
	std::vector<std::string> trusted_trees; // absolute path prefixes, each with a slash at the end
	std::vector<std::string> checked_trees;
	std::string dump_path;			// where to write the unit's names and layouts
	bool dump_only = false;			// core and lib: layouts only, no rules
};
extern Config config;

class Base {
protected:
	clang::CompilerInstance &compiler;
	clang::SourceManager &sources;

public:
	explicit Base(clang::CompilerInstance &c) : compiler(c), sources(c.getSourceManager()) {}

	static bool under(llvm::StringRef path, const std::vector<std::string> &trees);
	// The physical file, which #line cannot change.
	std::string path(clang::SourceLocation where) const;
	bool trusted(clang::SourceLocation where) const;
	void report(clang::SourceLocation where, llvm::StringRef rule, const std::string &message);
};

// Writes one line for each record, enumeration, function and variable of the unit (see dump.cpp).
void dump_write(clang::CompilerInstance &compiler, clang::ASTContext &context);
void preprocessor_rules_install(clang::CompilerInstance &compiler);

} // namespace checker
